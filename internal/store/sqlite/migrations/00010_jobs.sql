-- +goose Up

-- How many pipelines a project ever had, which numbers the next one.
CREATE TABLE pipeline_counts (
    project_id INTEGER PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    pipelines  INTEGER NOT NULL
);

-- What protects branches and tags. The default branch is protected from the
-- beginning.
CREATE TABLE protected_refs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    tag         BOOLEAN NOT NULL,
    name        TEXT NOT NULL,
    push_level  INTEGER NOT NULL,
    merge_level INTEGER NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    UNIQUE (project_id, tag, name)
);
INSERT INTO protected_refs (project_id, tag, name, push_level, merge_level, created_at)
SELECT id, FALSE, default_branch, 40, 40, created_at FROM projects;

CREATE TABLE pipelines (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    iid         INTEGER NOT NULL,
    ref         TEXT NOT NULL,
    tag         BOOLEAN NOT NULL,
    protected   BOOLEAN NOT NULL,
    sha         TEXT NOT NULL,
    source      TEXT NOT NULL,
    status      TEXT NOT NULL,
    user_id     INTEGER REFERENCES users (id) ON DELETE SET NULL,
    created_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP NOT NULL,
    started_at  TIMESTAMP,
    finished_at TIMESTAMP
);
CREATE UNIQUE INDEX pipelines_iid ON pipelines (project_id, iid);
CREATE INDEX pipelines_project ON pipelines (project_id, id);
CREATE INDEX pipelines_user ON pipelines (user_id) WHERE user_id IS NOT NULL;

-- Every set of tags that a job ever had, once. Rows are never changed or
-- deleted, so that programs may remember them.
CREATE TABLE tag_sets (
    id   INTEGER PRIMARY KEY,
    tags TEXT NOT NULL UNIQUE -- a sorted JSON list
);

CREATE TABLE jobs (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline_id        INTEGER NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    project_id         INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name               TEXT NOT NULL,
    stage              TEXT NOT NULL,
    stage_position     INTEGER NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('created', 'manual', 'pending', 'running', 'canceling', 'success', 'failed', 'canceled', 'skipped')),
    tag_set_id         INTEGER NOT NULL REFERENCES tag_sets (id),
    protected          BOOLEAN NOT NULL,
    starts             TEXT NOT NULL CHECK (starts IN ('on_success', 'on_failure', 'always', 'manual')),
    needs              TEXT, -- names of jobs as a JSON list; NULL for all of the stages before
    allow_failure      BOOLEAN NOT NULL,
    retried            BOOLEAN NOT NULL,
    recipe             BLOB NOT NULL, -- JSON, see internal/pipeline
    user_id            INTEGER REFERENCES users (id) ON DELETE SET NULL,
    runner_id          INTEGER REFERENCES runners (id) ON DELETE SET NULL,
    manager_id         INTEGER REFERENCES runner_managers (id) ON DELETE SET NULL,
    cancels_gracefully BOOLEAN NOT NULL,
    shared             BOOLEAN NOT NULL, -- it was given to an instance runner
    token_digest       BLOB UNIQUE, -- of the token that the runner works with
    timeout            INTEGER,
    timeout_source     TEXT,
    failure_reason     TEXT,
    exit_code          INTEGER,
    created_at         TIMESTAMP NOT NULL,
    queued_at          TIMESTAMP,
    started_at         TIMESTAMP,
    finished_at        TIMESTAMP,
    updated_at         TIMESTAMP NOT NULL,
    erased_at          TIMESTAMP
);
CREATE INDEX jobs_pipeline ON jobs (pipeline_id, id);
CREATE INDEX jobs_project ON jobs (project_id, id);
CREATE INDEX jobs_user ON jobs (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX jobs_runner ON jobs (runner_id, id) WHERE runner_id IS NOT NULL;
CREATE INDEX jobs_manager ON jobs (manager_id) WHERE manager_id IS NOT NULL;
CREATE INDEX jobs_with_runner ON jobs (updated_at) WHERE status IN ('running', 'canceling');

-- A lane is the pending jobs of a project that the same runners may take: those
-- with the same tags and the same protection. Its head is the oldest of them.
CREATE TABLE lanes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    tag_set_id INTEGER NOT NULL REFERENCES tag_sets (id),
    protected  BOOLEAN NOT NULL,
    shared     BOOLEAN NOT NULL, -- the project lets instance runners in
    grouped    BOOLEAN NOT NULL, -- the project lets group runners in
    busy       INTEGER NOT NULL, -- how many jobs of the project run on instance runners
    head       INTEGER, -- NULL while the lane is empty
    UNIQUE (project_id, tag_set_id, protected)
);
CREATE INDEX lanes_open ON lanes (tag_set_id) WHERE head IS NOT NULL;
-- For instance runners, in the order in which they take jobs.
CREATE INDEX lanes_fair ON lanes (tag_set_id, protected, busy, head) WHERE shared AND head IS NOT NULL;

-- The queue: a row for each pending job.
CREATE TABLE queue (
    lane_id INTEGER NOT NULL REFERENCES lanes (id) ON DELETE CASCADE,
    job_id  INTEGER NOT NULL UNIQUE REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (lane_id, job_id)
) WITHOUT ROWID;
