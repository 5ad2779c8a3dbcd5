-- +goose Up

-- What becomes of silent runners of a group, of a project, or, where both are
-- NULL, of the instance, where no nearer row says otherwise.
CREATE TABLE stale_runner_policies (
    namespace_id  BIGINT REFERENCES namespaces (id) ON DELETE CASCADE,
    project_id    BIGINT REFERENCES projects (id) ON DELETE CASCADE,
    runner_age    BIGINT, -- seconds; NULL leaves runners alone
    runner_action TEXT NOT NULL CHECK (runner_action IN ('pause', 'delete')),
    manager_age   BIGINT, -- seconds; NULL leaves managers alone
    automatic     BOOLEAN NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    CHECK (namespace_id IS NULL OR project_id IS NULL)
);
CREATE UNIQUE INDEX stale_runner_policies_source ON stale_runner_policies (coalesce(namespace_id, 0), coalesce(project_id, 0));
CREATE INDEX stale_runner_policies_namespace ON stale_runner_policies (namespace_id) WHERE namespace_id IS NOT NULL;
CREATE INDEX stale_runner_policies_project ON stale_runner_policies (project_id) WHERE project_id IS NOT NULL;
