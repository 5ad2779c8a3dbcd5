-- +goose Up

-- Times are integers, microseconds since 1970 (the driver turns columns that
-- are declared TIMESTAMP into times); dates are texts, YYYY-MM-DD.
-- The same tables with the same columns stand in the PostgreSQL migrations.

CREATE TABLE settings (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL -- JSON, see sqlstore/settings.go
);

CREATE TABLE secret_keys (
    key_id TEXT PRIMARY KEY,
    proof  BLOB NOT NULL -- a known text sealed under the key
);

CREATE TABLE users (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    username         TEXT NOT NULL,
    name             TEXT NOT NULL,
    email            TEXT NOT NULL,
    password_hash    TEXT NOT NULL DEFAULT '', -- PHC string
    state            TEXT NOT NULL CHECK (state IN ('active', 'blocked', 'deactivated')),
    admin            BOOLEAN NOT NULL,
    bot              BOOLEAN NOT NULL,
    external         BOOLEAN NOT NULL,
    private_profile  BOOLEAN NOT NULL,
    can_create_group BOOLEAN NOT NULL,
    projects_limit   INTEGER NOT NULL,
    note             TEXT NOT NULL,
    created_by       INTEGER REFERENCES users (id) ON DELETE SET NULL,
    last_activity_on TEXT,
    created_at       TIMESTAMP NOT NULL,
    updated_at       TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (lower(username));
CREATE UNIQUE INDEX users_email ON users (lower(email));
CREATE INDEX users_created_by ON users (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE access_tokens (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    digest        BLOB NOT NULL UNIQUE,
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL,
    scopes        TEXT NOT NULL, -- separated by spaces
    expires_at    TEXT,
    revoked       BOOLEAN NOT NULL,
    family        INTEGER, -- the first token of a chain of rotations; NULL is itself
    last_used_at  TIMESTAMP,
    last_used_ips TEXT NOT NULL, -- separated by spaces, the newest first
    created_at    TIMESTAMP NOT NULL
);
CREATE INDEX access_tokens_user ON access_tokens (user_id);
CREATE INDEX access_tokens_family ON access_tokens (family) WHERE family IS NOT NULL;

CREATE TABLE namespaces (
    id                                        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind                                      TEXT NOT NULL CHECK (kind IN ('group', 'user')),
    name                                      TEXT NOT NULL,
    path                                      TEXT NOT NULL,
    parent_id                                 INTEGER REFERENCES namespaces (id),
    owner_id                                  INTEGER UNIQUE REFERENCES users (id),
    description                               TEXT NOT NULL,
    visibility                                TEXT NOT NULL CHECK (visibility IN ('private', 'internal', 'public')),
    shared_runners_setting                    TEXT NOT NULL,
    subgroup_creation_level                   TEXT NOT NULL,
    runner_registration_enabled               BOOLEAN NOT NULL,
    allow_runner_registration_token           BOOLEAN NOT NULL,
    runner_token_expiration_interval          INTEGER,
    subgroup_runner_token_expiration_interval INTEGER,
    project_runner_token_expiration_interval  INTEGER,
    runner_token_overlap                      INTEGER,
    created_at                                TIMESTAMP NOT NULL,
    updated_at                                TIMESTAMP NOT NULL,
    CHECK ((kind = 'user') = (owner_id IS NOT NULL))
);
CREATE INDEX namespaces_parent ON namespaces (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE projects (
    id                               INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id                     INTEGER NOT NULL REFERENCES namespaces (id),
    name                             TEXT NOT NULL,
    path                             TEXT NOT NULL,
    description                      TEXT NOT NULL,
    visibility                       TEXT NOT NULL CHECK (visibility IN ('private', 'internal', 'public')),
    creator_id                       INTEGER REFERENCES users (id) ON DELETE SET NULL,
    default_branch                   TEXT NOT NULL,
    ci_config_path                   TEXT NOT NULL,
    build_timeout                    INTEGER NOT NULL,
    shared_runners_enabled           BOOLEAN NOT NULL,
    group_runners_enabled            BOOLEAN NOT NULL,
    runner_registration_enabled      BOOLEAN NOT NULL,
    runner_token_expiration_interval INTEGER,
    last_activity_at                 TIMESTAMP NOT NULL,
    created_at                       TIMESTAMP NOT NULL,
    updated_at                       TIMESTAMP NOT NULL
);
CREATE INDEX projects_namespace ON projects (namespace_id);
CREATE INDEX projects_creator ON projects (creator_id) WHERE creator_id IS NOT NULL;

-- Groups, personal namespaces and projects share one space of paths, which
-- differ by more than case.
CREATE TABLE routes (
    path         TEXT NOT NULL, -- the full path
    name         TEXT NOT NULL, -- the full name
    namespace_id INTEGER UNIQUE REFERENCES namespaces (id) ON DELETE CASCADE,
    project_id   INTEGER UNIQUE REFERENCES projects (id) ON DELETE CASCADE,
    CHECK ((namespace_id IS NULL) <> (project_id IS NULL))
);
CREATE UNIQUE INDEX routes_path ON routes (lower(path));

CREATE TABLE members (
    namespace_id INTEGER REFERENCES namespaces (id) ON DELETE CASCADE,
    project_id   INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    access_level INTEGER NOT NULL,
    expires_at   TEXT,
    created_by   INTEGER REFERENCES users (id) ON DELETE SET NULL,
    created_at   TIMESTAMP NOT NULL,
    CHECK ((namespace_id IS NULL) <> (project_id IS NULL))
);
CREATE UNIQUE INDEX members_user_namespace ON members (user_id, namespace_id) WHERE namespace_id IS NOT NULL;
CREATE UNIQUE INDEX members_user_project ON members (user_id, project_id) WHERE project_id IS NOT NULL;
CREATE INDEX members_namespace ON members (namespace_id, user_id) WHERE namespace_id IS NOT NULL;
CREATE INDEX members_project ON members (project_id, user_id) WHERE project_id IS NOT NULL;
CREATE INDEX members_created_by ON members (created_by) WHERE created_by IS NOT NULL;

CREATE TABLE shares (
    namespace_id INTEGER REFERENCES namespaces (id) ON DELETE CASCADE,
    project_id   INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    with_group   INTEGER NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    access_level INTEGER NOT NULL,
    expires_at   TEXT,
    created_at   TIMESTAMP NOT NULL,
    CHECK ((namespace_id IS NULL) <> (project_id IS NULL))
);
CREATE UNIQUE INDEX shares_namespace ON shares (namespace_id, with_group) WHERE namespace_id IS NOT NULL;
CREATE UNIQUE INDEX shares_project ON shares (project_id, with_group) WHERE project_id IS NOT NULL;
CREATE INDEX shares_with_group ON shares (with_group);

CREATE TABLE runners (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    type             TEXT NOT NULL CHECK (type IN ('instance_type', 'group_type', 'project_type')),
    group_id         INTEGER REFERENCES namespaces (id) ON DELETE CASCADE,
    project_id       INTEGER REFERENCES projects (id) ON DELETE SET NULL, -- the owner; see DeleteProject
    creator_id       INTEGER REFERENCES users (id) ON DELETE SET NULL,
    description      TEXT NOT NULL,
    maintenance_note TEXT NOT NULL,
    paused           BOOLEAN NOT NULL,
    locked           BOOLEAN NOT NULL,
    run_untagged     BOOLEAN NOT NULL,
    access_level     TEXT NOT NULL CHECK (access_level IN ('not_protected', 'ref_protected')),
    maximum_timeout  INTEGER,
    token_overlap    INTEGER, -- seconds; NULL for what the group or the instance says
    token_digest     BLOB NOT NULL UNIQUE, -- of the newest token; the others are in runner_tokens
    token_number     INTEGER NOT NULL DEFAULT 1,
    token_created_at TIMESTAMP NOT NULL,
    token_expires_at TIMESTAMP,
    contacted_at     TIMESTAMP,
    asked_for_jobs   BOOLEAN NOT NULL,
    created_at       TIMESTAMP NOT NULL,
    updated_at       TIMESTAMP NOT NULL
);
CREATE INDEX runners_group ON runners (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX runners_project ON runners (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX runners_creator ON runners (creator_id) WHERE creator_id IS NOT NULL;
-- For lists, which are ordered by id: in SQLite every index ends with it.
CREATE INDEX runners_type ON runners (type);
CREATE INDEX runners_paused ON runners (paused);
CREATE INDEX runners_contacted ON runners (contacted_at);

-- Older tokens that still work, or did until lately.
CREATE TABLE runner_tokens (
    runner_id  INTEGER NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    PRIMARY KEY (runner_id, number)
) WITHOUT ROWID;

CREATE TABLE runner_tags (
    runner_id INTEGER NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    tag       TEXT NOT NULL,
    PRIMARY KEY (runner_id, position)
) WITHOUT ROWID;
CREATE UNIQUE INDEX runner_tags_tag ON runner_tags (tag, runner_id);

CREATE TABLE runner_projects (
    runner_id  INTEGER NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (runner_id, project_id)
) WITHOUT ROWID;
CREATE INDEX runner_projects_project ON runner_projects (project_id);

CREATE TABLE runner_managers (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    runner_id        INTEGER NOT NULL REFERENCES runners (id) ON DELETE CASCADE,
    system_id        TEXT NOT NULL,
    version          TEXT NOT NULL,
    revision         TEXT NOT NULL,
    platform         TEXT NOT NULL,
    architecture     TEXT NOT NULL,
    executor         TEXT NOT NULL,
    ip               TEXT NOT NULL,
    token_number     INTEGER, -- of the token that was used last
    token_created_at TIMESTAMP,
    contacted_at     TIMESTAMP,
    created_at       TIMESTAMP NOT NULL,
    UNIQUE (runner_id, system_id)
);
CREATE INDEX runner_managers_version ON runner_managers (version, runner_id);
CREATE INDEX runner_managers_contact ON runner_managers (runner_id, contacted_at DESC, id DESC);

-- No foreign keys: the log outlives what it tells of. Its rows are never
-- deleted, so the ids need no AUTOINCREMENT to be given once.
CREATE TABLE audit_events (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL,
    author_id      INTEGER,
    author_name    TEXT NOT NULL,
    ip             TEXT NOT NULL,
    namespace_id   INTEGER,
    project_id     INTEGER,
    target_type    TEXT NOT NULL,
    target_id      INTEGER,
    target_details TEXT NOT NULL,
    message        TEXT NOT NULL,
    changes        TEXT, -- JSON, see sqlstore/audit.go; NULL for none
    created_at     TIMESTAMP NOT NULL
);
CREATE INDEX audit_events_namespace ON audit_events (namespace_id) WHERE namespace_id IS NOT NULL;
CREATE INDEX audit_events_project ON audit_events (project_id) WHERE project_id IS NOT NULL;

CREATE TABLE answers (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key        BLOB NOT NULL, -- the digest of the Idempotency-Key
    request    BLOB NOT NULL, -- the digest of the request
    sealed     BLOB NOT NULL, -- the answer, sealed under the key itself
    expires_at TIMESTAMP NOT NULL,
    PRIMARY KEY (user_id, key)
) WITHOUT ROWID;
CREATE INDEX answers_expiry ON answers (expires_at);
