-- +goose Up

-- The group or project whose access token a bot stands behind. A bot goes before
-- it does: see DeleteNamespace and DeleteProject.
ALTER TABLE users ADD COLUMN bot_namespace_id BIGINT REFERENCES namespaces (id);
ALTER TABLE users ADD COLUMN bot_project_id BIGINT REFERENCES projects (id);
CREATE INDEX users_bot_namespace ON users (bot_namespace_id) WHERE bot_namespace_id IS NOT NULL;
CREATE INDEX users_bot_project ON users (bot_project_id) WHERE bot_project_id IS NOT NULL;

-- NULL for tokens that are not revoked, or were before this column.
ALTER TABLE access_tokens ADD COLUMN revoked_at TIMESTAMPTZ;
