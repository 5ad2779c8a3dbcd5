package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"baton.example/baton"
	"baton.example/baton/internal/store/sqlstore"
)

// The error codes that mean something to Baton:
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	foreignKeyViolation  = "23503"
	uniqueViolation      = "23505"
	readOnlyTransaction  = "25006" // the server was demoted
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014" // by the server: a statement_timeout, or its administrator
	cannotConnectNow     = "57P03"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	ioError              = "58030"

	// Classes of codes: the first two characters.
	connectionException   = "08"
	insufficientResources = "53"
)

// collided reports whether the transaction may succeed when it runs again.
func collided(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == serializationFailure || e.Code == deadlockDetected)
}

// translate turns PostgreSQL's error codes and a lost connection into Baton's
// errors.
func translate(err error) error {
	if err == nil || baton.CodeOf(err) != baton.CodeInternal {
		return err
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case uniqueViolation:
			return sqlstore.Conflict(e.ConstraintName, err)
		case foreignKeyViolation:
			return sqlstore.Gone(err)
		case serializationFailure, deadlockDetected, lockNotAvailable, queryCanceled:
			return sqlstore.Busy(err)
		case readOnlyTransaction, cannotConnectNow, adminShutdown, crashShutdown, ioError:
			return sqlstore.Away(err)
		}
		switch e.Code[:2] {
		case connectionException, insufficientResources:
			return sqlstore.Away(err)
		}
		return err
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return sqlstore.Away(err) // ahead of the context's errors: an attempt has a time limit
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[net.Error](err); ok || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return sqlstore.Away(err)
	}
	return err
}
