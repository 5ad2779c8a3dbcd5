-- +goose Up

-- What lists of runners are read from: a row for each runner and each of its
-- tags, and one with the tag '', which makes the list of all. It is as narrow
-- as can be and hardly changes while runners call, so that a page far behind is
-- reached quickly. Triggers keep it: it follows from the other tables.
CREATE TABLE listed_runners (
    tag       TEXT COLLATE "C" NOT NULL,
    runner_id BIGINT NOT NULL,
    -- 0 instance, 1 group, 2 project; and 3 more if paused.
    kind      BIGINT NOT NULL,
    -- The hour of the last call, since 1970. Before the first call it is the
    -- complement of the hour of the creation, which is below 0: so that the
    -- runners of every status are one range.
    last_sign BIGINT NOT NULL,
    PRIMARY KEY (tag, runner_id) INCLUDE (kind, last_sign)
);

-- +goose StatementBegin
CREATE FUNCTION hour_since_1970(t timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN floor(extract(epoch FROM t - timestamptz '1970-01-01 00:00:00Z') / 3600)::bigint;
-- +goose StatementEnd

INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    SELECT '', id, CASE type WHEN 'instance_type' THEN 0 WHEN 'group_type' THEN 1 ELSE 2 END + CASE WHEN paused THEN 3 ELSE 0 END,
        coalesce(hour_since_1970(contacted_at), ~hour_since_1970(created_at))
    FROM runners;
INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    SELECT g.tag, g.runner_id, l.kind, l.last_sign
    FROM runner_tags g JOIN listed_runners l ON l.tag = '' AND l.runner_id = g.runner_id;
CREATE INDEX listed_runners_kind ON listed_runners (tag, kind, last_sign, runner_id);

-- +goose StatementBegin
CREATE FUNCTION runners_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    SELECT '', id, CASE type WHEN 'instance_type' THEN 0 WHEN 'group_type' THEN 1 ELSE 2 END + CASE WHEN paused THEN 3 ELSE 0 END,
        coalesce(hour_since_1970(contacted_at), ~hour_since_1970(created_at))
    FROM written;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER runners_list AFTER INSERT ON runners
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION runners_list();

-- +goose StatementBegin
CREATE FUNCTION runners_relist() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listed_runners
    SET kind = kind % 3 + CASE WHEN NEW.paused THEN 3 ELSE 0 END,
        last_sign = coalesce(hour_since_1970(NEW.contacted_at), ~hour_since_1970(NEW.created_at))
    WHERE runner_id = NEW.id AND tag IN (SELECT '' UNION ALL SELECT g.tag FROM runner_tags g WHERE g.runner_id = NEW.id);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER runners_relist AFTER UPDATE OF paused, contacted_at ON runners
    FOR EACH ROW WHEN (OLD.paused <> NEW.paused OR hour_since_1970(OLD.contacted_at) IS DISTINCT FROM hour_since_1970(NEW.contacted_at))
    EXECUTE FUNCTION runners_relist();

-- +goose StatementBegin
CREATE FUNCTION runners_unlist() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM listed_runners l USING gone WHERE l.tag = '' AND l.runner_id = gone.id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER runners_unlist AFTER DELETE ON runners
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION runners_unlist();

-- +goose StatementBegin
CREATE FUNCTION runner_tags_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    SELECT w.tag, w.runner_id, CASE r.type WHEN 'instance_type' THEN 0 WHEN 'group_type' THEN 1 ELSE 2 END + CASE WHEN r.paused THEN 3 ELSE 0 END,
        coalesce(hour_since_1970(r.contacted_at), ~hour_since_1970(r.created_at))
    FROM written w JOIN runners r ON r.id = w.runner_id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER runner_tags_list AFTER INSERT ON runner_tags
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION runner_tags_list();

-- +goose StatementBegin
CREATE FUNCTION runner_tags_unlist() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM listed_runners l USING gone WHERE l.tag = gone.tag AND l.runner_id = gone.runner_id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER runner_tags_unlist AFTER DELETE ON runner_tags
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION runner_tags_unlist();

-- What it replaces; it keeps tags unique, too.
DROP INDEX runner_tags_tag;
DROP INDEX runners_type;
DROP INDEX runners_paused;
DROP INDEX runners_contacted;

-- For lists by version, which are ordered by runner.
CREATE INDEX runner_managers_versions ON runner_managers (runner_id, version);
