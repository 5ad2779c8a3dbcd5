-- +goose Up

-- The token with which machines register runners of a group, of a project, or,
-- where both are NULL, of the instance. A row is made when somebody asks for it.
CREATE TABLE registration_tokens (
    namespace_id INTEGER REFERENCES namespaces (id) ON DELETE CASCADE,
    project_id   INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    digest       BLOB NOT NULL UNIQUE,
    sealed       BLOB NOT NULL, -- the token, sealed under the secret key
    created_at   TIMESTAMP NOT NULL,
    CHECK (namespace_id IS NULL OR project_id IS NULL)
);
CREATE UNIQUE INDEX registration_tokens_source ON registration_tokens (coalesce(namespace_id, 0), coalesce(project_id, 0));
CREATE INDEX registration_tokens_namespace ON registration_tokens (namespace_id) WHERE namespace_id IS NOT NULL;
CREATE INDEX registration_tokens_project ON registration_tokens (project_id) WHERE project_id IS NOT NULL;

-- Whether a machine made the runner with a registration token.
ALTER TABLE runners ADD COLUMN registered BOOLEAN NOT NULL DEFAULT FALSE;
