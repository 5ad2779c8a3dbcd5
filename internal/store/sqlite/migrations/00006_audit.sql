-- +goose Up

-- An event may belong to a user, too, and keeps the path of what it belongs to.
ALTER TABLE audit_events ADD COLUMN user_id INTEGER;
ALTER TABLE audit_events ADD COLUMN entity_path TEXT NOT NULL DEFAULT '';
UPDATE audit_events SET entity_path = coalesce((SELECT path FROM routes r
    WHERE r.namespace_id = audit_events.namespace_id OR r.project_id = audit_events.project_id), '');

-- For lists, which are ordered by time and id: in SQLite every index ends with
-- the id.
DROP INDEX audit_events_namespace;
DROP INDEX audit_events_project;
CREATE INDEX audit_events_created ON audit_events (created_at);
CREATE INDEX audit_events_group ON audit_events (namespace_id, created_at) WHERE namespace_id IS NOT NULL;
CREATE INDEX audit_events_groups ON audit_events (created_at) WHERE namespace_id IS NOT NULL;
CREATE INDEX audit_events_project ON audit_events (project_id, created_at) WHERE project_id IS NOT NULL;
CREATE INDEX audit_events_projects ON audit_events (created_at) WHERE project_id IS NOT NULL;
CREATE INDEX audit_events_user ON audit_events (user_id, created_at) WHERE user_id IS NOT NULL;
CREATE INDEX audit_events_users ON audit_events (created_at) WHERE user_id IS NOT NULL;
CREATE INDEX audit_events_instance ON audit_events (created_at)
    WHERE namespace_id IS NULL AND project_id IS NULL AND user_id IS NULL;
-- Who is no Owner sees what they did themselves.
CREATE INDEX audit_events_author ON audit_events (author_id, created_at)
    WHERE namespace_id IS NOT NULL OR project_id IS NOT NULL;

-- The chain: which event has which position, and the hash of all up to it.
-- docs/audit.md says what is hashed.
CREATE TABLE audit_seals (
    position INTEGER PRIMARY KEY,
    event_id INTEGER NOT NULL,
    version  INTEGER NOT NULL, -- of the encoding
    hash     BLOB NOT NULL
);

-- The end of the chain, apart from it, so that a chain that was cut is seen.
CREATE TABLE audit_chain (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    hash     BLOB NOT NULL
);
INSERT INTO audit_chain (id, position, hash) VALUES (1, 0, zeroblob(32));

-- The events that are not sealed yet. A trigger keeps it, so that no event can
-- be written without.
CREATE TABLE audit_unsealed (
    event_id INTEGER PRIMARY KEY
);
INSERT INTO audit_unsealed (event_id) SELECT id FROM audit_events;

-- +goose StatementBegin
CREATE TRIGGER audit_events_unsealed AFTER INSERT ON audit_events
BEGIN
    INSERT INTO audit_unsealed (event_id) VALUES (NEW.id);
END;
-- +goose StatementEnd
