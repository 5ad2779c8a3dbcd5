-- +goose Up

-- What lists of runners are read from: a row for each runner and each of its
-- tags, and one with the tag '', which makes the list of all. It is as narrow
-- as can be and hardly changes while runners call, so that a page far behind is
-- reached quickly. Triggers keep it: it follows from the other tables.
CREATE TABLE listed_runners (
    tag       TEXT NOT NULL,
    runner_id INTEGER NOT NULL,
    -- 0 instance, 1 group, 2 project; and 3 more if paused.
    kind      INTEGER NOT NULL,
    -- The hour of the last call, since 1970. Before the first call it is the
    -- complement of the hour of the creation, which is below 0: so that the
    -- runners of every status are one range.
    last_sign INTEGER NOT NULL,
    PRIMARY KEY (tag, runner_id)
) WITHOUT ROWID;
CREATE INDEX listed_runners_kind ON listed_runners (tag, kind, last_sign);

INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    SELECT '', id, CASE type WHEN 'instance_type' THEN 0 WHEN 'group_type' THEN 1 ELSE 2 END + 3 * paused,
        coalesce(contacted_at / 3600000000, ~(created_at / 3600000000))
    FROM runners;
INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    SELECT g.tag, g.runner_id, l.kind, l.last_sign
    FROM runner_tags g JOIN listed_runners l ON l.tag = '' AND l.runner_id = g.runner_id;

-- +goose StatementBegin
CREATE TRIGGER runners_list AFTER INSERT ON runners
BEGIN
    INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    VALUES ('', NEW.id, CASE NEW.type WHEN 'instance_type' THEN 0 WHEN 'group_type' THEN 1 ELSE 2 END + 3 * NEW.paused,
        coalesce(NEW.contacted_at / 3600000000, ~(NEW.created_at / 3600000000)));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER runners_relist AFTER UPDATE OF paused, contacted_at ON runners
WHEN OLD.paused <> NEW.paused OR NEW.contacted_at / 3600000000 IS NOT OLD.contacted_at / 3600000000
BEGIN
    UPDATE listed_runners
    SET kind = kind % 3 + 3 * NEW.paused,
        last_sign = coalesce(NEW.contacted_at / 3600000000, ~(NEW.created_at / 3600000000))
    WHERE runner_id = NEW.id AND tag IN (SELECT '' UNION ALL SELECT tag FROM runner_tags WHERE runner_id = NEW.id);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER runners_unlist AFTER DELETE ON runners
BEGIN
    DELETE FROM listed_runners WHERE tag = '' AND runner_id = OLD.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER runner_tags_list AFTER INSERT ON runner_tags
BEGIN
    INSERT INTO listed_runners (tag, runner_id, kind, last_sign)
    SELECT NEW.tag, runner_id, kind, last_sign FROM listed_runners WHERE tag = '' AND runner_id = NEW.runner_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER runner_tags_unlist AFTER DELETE ON runner_tags
BEGIN
    DELETE FROM listed_runners WHERE tag = OLD.tag AND runner_id = OLD.runner_id;
END;
-- +goose StatementEnd

-- What it replaces; it keeps tags unique, too.
DROP INDEX runner_tags_tag;
DROP INDEX runners_type;
DROP INDEX runners_paused;
DROP INDEX runners_contacted;

-- For lists by version, which are ordered by runner.
CREATE INDEX runner_managers_versions ON runner_managers (runner_id, version);
