-- +goose Up

-- CI/CD variables of a group, of a project, or, where both are NULL, of the
-- instance.
CREATE TABLE variables (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER REFERENCES namespaces (id) ON DELETE CASCADE,
    project_id   INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    sealed       BLOB NOT NULL, -- the value, sealed under the secret key
    file         BOOLEAN NOT NULL,
    protected    BOOLEAN NOT NULL,
    masked       BOOLEAN NOT NULL,
    hidden       BOOLEAN NOT NULL,
    raw          BOOLEAN NOT NULL,
    description  TEXT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    updated_at   TIMESTAMP NOT NULL,
    CHECK (namespace_id IS NULL OR project_id IS NULL)
);
CREATE UNIQUE INDEX variables_source ON variables (coalesce(namespace_id, 0), coalesce(project_id, 0), key);
CREATE INDEX variables_namespace ON variables (namespace_id) WHERE namespace_id IS NOT NULL;
CREATE INDEX variables_project ON variables (project_id) WHERE project_id IS NOT NULL;
