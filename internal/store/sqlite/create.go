package sqlite

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/store/sqlstore"
)

// CreateRunners implements [sqlstore.Database]. The ids are the next ones of
// AUTOINCREMENT's own counter, which follows the ids that are inserted and so
// never gives one twice.
func (d *database) CreateRunners(ctx context.Context, all []*sqlstore.Creation) error {
	err := d.writer.do(ctx, func(ctx context.Context, q sqlstore.Querier) error {
		last, err := lastID(ctx, q)
		if err != nil {
			return err
		}
		for i, c := range all {
			if err := c.Assign(last + baton.RunnerID(i) + 1); err != nil {
				return err
			}
		}
		return sqlstore.InsertCreations(ctx, q, all)
	})
	if err != nil {
		return fmt.Errorf("create runner: %w", translate(err))
	}
	return nil
}

// lastID returns the highest id that a runner ever had.
func lastID(ctx context.Context, q sqlstore.Querier) (baton.RunnerID, error) {
	rows, err := q.QueryContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = 'runners'")
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var last baton.RunnerID
	for rows.Next() {
		if err := rows.Scan(&last); err != nil {
			return 0, err
		}
	}
	return last, rows.Err()
}
