-- +goose Up

-- For who works: the few jobs that run, of the many that a runner ever had.
CREATE INDEX jobs_workers ON jobs (runner_id, manager_id) WHERE status IN ('running', 'canceling');
