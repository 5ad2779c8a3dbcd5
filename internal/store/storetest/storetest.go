// Package storetest is the promise of package store as tests: [Run] holds a
// store to every method, error and guarantee of the contract. Both databases
// run it, so a difference between them that mattered once is a case here.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// A test is one case: it has a new, empty store.
type test struct {
	name string
	run  func(*suite)
}

// Run tests the stores that open returns. Each must be empty, and open closes
// it when its test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, cases := range [][]test{
		settingsTests, userTests, botTests, accessTokenTests, principalTests, namespaceTests, projectTests,
		memberTests, accessTests, runnerTests, createTests, auditTests, keyTests, registrationTokenTests, staleTests, transactionTests, jobTests, variableTests,
	} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s := &suite{T: t, Store: open(t)}
				defer s.recover()
				c.run(s)
			})
		}
	}
}

// A suite is a test with its store, and the steps that many tests take.
type suite struct {
	*testing.T
	store.Store
	named int
}

// now is the moment of the tests: it has nanoseconds, which storage cuts off,
// and a zone, which it does not keep.
var now = time.Date(2026, 3, 1, 12, 30, 15, 123456789, time.FixedZone("", 3600))

// kept is now as it is stored.
var kept = now.UTC().Truncate(time.Microsecond)

const (
	yesterday = baton.Date("2026-02-28")
	today     = baton.Date("2026-03-01")
	tomorrow  = baton.Date("2026-03-02")
)

var all = store.Page{Limit: most}

// most is more rows than any test has.
const most = 1000

// tx runs fn in a transaction that must succeed.
func (s *suite) tx(fn func(ctx context.Context, tx store.Tx) error) {
	s.Helper()
	s.ok(s.Tx(s.Context(), fn))
}

// stale runs fn in a transaction that must fail since something is gone.
func (s *suite) stale(fn func(ctx context.Context, tx store.Tx) error) {
	s.Helper()
	s.code(s.Tx(s.Context(), fn), baton.CodeStale)
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) code(err error, want baton.Code) {
	s.Helper()
	if err == nil || baton.CodeOf(err) != want {
		s.Fatalf("error %v has code %d, want %d", err, baton.CodeOf(err), want)
	}
}

// missing wants err to say that the thing does not exist.
func (s *suite) missing(err error, thing string) {
	s.Helper()
	s.code(err, baton.CodeNotFound)
	if e, _ := errors.AsType[*baton.Error](err); e.Message != thing {
		s.Errorf("%q is missing, want %q", e.Message, thing)
	}
}

// field wants a conflict to name the field.
func (s *suite) field(err error, want string) {
	s.Helper()
	s.code(err, baton.CodeConflict)
	e, _ := errors.AsType[*baton.Error](err)
	if len(e.Fields) != 1 || e.Fields[0].Field != want {
		s.Errorf("conflict names %v, want %q: %v", e.Fields, want, err)
	}
}

// must returns a value that comes without an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(unexpected{err})
	}
	return v
}

// An unexpected error ends its test, and only that; see [suite.recover].
type unexpected struct{ error }

func (s *suite) recover() {
	switch v := recover().(type) {
	case nil:
	case unexpected:
		s.Fatalf("%v\n%s", v.error, debug.Stack())
	default:
		panic(v)
	}
}

// same compares values.
func same[T any](s *suite, got, want T) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("-want +got:\n%s", diff)
	}
}

// ids returns what tells values apart.
func ids[T, ID any](values []T, id func(T) ID) []ID {
	all := []ID{}
	for _, v := range values {
		all = append(all, id(v))
	}
	return all
}

// unique returns a word that was not used before in the test.
func (s *suite) unique(word string) string {
	s.named++
	return fmt.Sprintf("%s%d", word, s.named)
}

// user stores a user with a name that begins so.
func (s *suite) user(name string) baton.User {
	s.Helper()
	name = s.unique(name)
	u := baton.User{
		Username: name, Name: "The " + name, Email: name + "@example.com", State: baton.UserActive,
		ProjectsLimit: 10, CreatedAt: kept, UpdatedAt: kept,
	}
	s.tx(func(ctx context.Context, tx store.Tx) (err error) {
		u.ID, err = tx.InsertUser(ctx, u)
		return err
	})
	return u
}

// group stores a group below parent, 0 for none.
func (s *suite) group(path string, parent baton.NamespaceID) baton.Namespace {
	s.Helper()
	return s.namespace(baton.Namespace{Kind: baton.GroupNamespace, Name: "The " + path, Path: path, ParentID: parent})
}

// personal stores the personal namespace of a user.
func (s *suite) personal(u baton.User) baton.Namespace {
	s.Helper()
	return s.namespace(baton.Namespace{Kind: baton.UserNamespace, Name: u.Name, Path: u.Username, OwnerID: u.ID})
}

func (s *suite) namespace(n baton.Namespace) baton.Namespace {
	s.Helper()
	n.Visibility, n.CreatedAt, n.UpdatedAt = baton.Private, kept, kept
	n.SharedRunnersSetting, n.SubgroupCreationLevel = baton.SharedRunnersEnabled, baton.SubgroupsByMaintainer
	s.tx(func(ctx context.Context, tx store.Tx) error {
		id, err := tx.InsertNamespace(ctx, n)
		if err != nil {
			return err
		}
		n, err = tx.Namespace(ctx, id)
		return err
	})
	return n
}

// project stores a project in a namespace.
func (s *suite) project(path string, in baton.NamespaceID) baton.Project {
	s.Helper()
	p := baton.Project{
		NamespaceID: in, Name: "The " + path, Path: path, Visibility: baton.Private, DefaultBranch: "main",
		BuildTimeout: baton.DefaultBuildTimeout, LastActivityAt: kept, CreatedAt: kept, UpdatedAt: kept,
	}
	s.tx(func(ctx context.Context, tx store.Tx) error {
		id, err := tx.InsertProject(ctx, p)
		if err != nil {
			return err
		}
		p, err = tx.Project(ctx, id)
		return err
	})
	return p
}

// member stores a membership without an end.
func (s *suite) member(u baton.User, in baton.Source, level baton.AccessLevel) {
	s.Helper()
	s.tx(func(ctx context.Context, tx store.Tx) error {
		return tx.InsertMember(ctx, baton.Member{Source: in, UserID: u.ID, AccessLevel: level, CreatedAt: kept})
	})
}

// creation returns a creation of the runner, whose missing fields are filled
// in, with a token of its own.
func (s *suite) creation(r baton.Runner) store.RunnerCreation {
	if r.Type == "" {
		r.Type = baton.InstanceRunner
	}
	r.AccessLevel, r.CreatedAt, r.UpdatedAt = baton.NotProtected, kept, kept
	return store.RunnerCreation{
		Runner: r,
		Token:  baton.DigestOf(s.unique("token")),
		Audit: func(id baton.RunnerID) baton.AuditEvent {
			return baton.AuditEvent{Name: "ci_runner_created", AuthorID: r.CreatorID, TargetType: "Ci::Runner", TargetID: int64(id), CreatedAt: kept}
		},
	}
}

// runner stores a runner and returns it as it reads.
func (s *suite) runner(r baton.Runner) baton.Runner {
	s.Helper()
	id := must(s.CreateRunner(s.Context(), s.creation(r)))
	return must(s.Runner(s.Context(), id))
}
