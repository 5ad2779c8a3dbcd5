package e2e

import (
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"

	"baton.example/baton/internal/testkit/pgtest"
)

// admin runs a command of the administrator beside the program and returns
// what it printed.
func (p *program) admin(args ...string) string {
	p.t.Helper()
	return p.beside(append([]string{"admin"}, args...)...)
}

// beside runs a command that opens the database itself, beside the program, and
// returns what it printed.
func (p *program) beside(args ...string) string {
	p.t.Helper()
	cmd := command(p.t, args...)
	cmd.Env = append(append(cmd.Env, "BATON_DATA_DIR="+p.setup.dir), p.setup.databaseEnv(p.t)...)
	r := runToEnd(p.t, cmd, patience)
	if r.code != 0 || r.log != "" {
		p.t.Fatalf("baton %v: exit code %d: %s", args, r.code, r.log)
	}
	return strings.TrimSpace(r.out)
}

const (
	blocked = "403 {message: 403 Forbidden - Your account has been blocked.}"
	revoked = "401 {error: invalid_token}, {error_description: Token was revoked. You have to re-authorize from the user.}"
)

// TestAdminBesideServer works on the database while the server runs under
// load: the server's next answer knows.
func TestAdminBesideServer(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *program) {
		l := newLoad(p, 5*time.Millisecond)
		l.more("runners are created", &l.acknowledged, 10)
		p.admin("user", "create", "alice", "--email", "alice@example.com", "--admin")
		alice := dial(t, p.url, p.admin("token", "create", "alice"))
		whoami := func() string {
			_, _, err := alice.Users.CurrentUser()
			return refusal(err)
		}
		for range 3 {
			if got := whoami(); got != "" {
				t.Errorf("with a token just made: %s", got)
			}
			p.admin("user", "block", "alice")
			if got := whoami(); got != blocked {
				t.Errorf("just blocked: %q", got)
			}
			p.admin("user", "unblock", "alice")
		}
		p.admin("user", "demote", "alice")
		if _, _, err := alice.Users.CreateUserRunner(instanceRunner()); refusal(err) != insufficientPermissions {
			t.Errorf("just demoted: %v", err)
		}
		token := must(alice.PersonalAccessTokens.GetSinglePersonalAccessToken())(t)
		p.admin("token", "revoke", itoa(token.ID))
		if got := whoami(); got != revoked {
			t.Errorf("just revoked: %q", got)
		}
		l.end()
		l.check(p)
	})
}

// TestReplicasAgree changes at one replica what another one has just used.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	s := setup{dir: t.TempDir(), postgres: pgtest.URL(t)}
	p, q := start(t, s), start(t, s)
	w := newWorld(p)
	acme := w.group("acme", nil)
	u := w.user("alice")
	w.joinGroup(u, acme, gitlab.OwnerPermissions)
	token := w.token(u)
	there := dial(t, q.url, token.Token)
	create := func() string {
		_, _, err := there.Users.CreateUserRunner(groupRunner(acme))
		return refusal(err)
	}
	expect := func(when, want string) {
		t.Helper()
		if got := create(); got != want {
			t.Errorf("%s: got %q, want %q", when, got, want)
		}
	}
	for range 3 {
		expect("at first", "")
		w.registrars("project")
		expect("with the registration restricted", insufficientPermissions)
		w.registrars("project", "group")
		expect("with the restriction lifted", "")
		must(w.root.GroupMembers.EditGroupMember(acme.ID, u.ID, &gitlab.EditGroupMemberOptions{AccessLevel: new(gitlab.MaintainerPermissions)}))(t)
		expect("as a Maintainer", insufficientPermissions)
		must(w.root.GroupMembers.EditGroupMember(acme.ID, u.ID, &gitlab.EditGroupMemberOptions{AccessLevel: new(gitlab.OwnerPermissions)}))(t)
		expect("as an Owner again", "")
		if err := w.root.Users.BlockUser(u.ID); err != nil {
			t.Fatal(err)
		}
		expect("blocked", blocked)
		if err := w.root.Users.UnblockUser(u.ID); err != nil {
			t.Fatal(err)
		}
	}
	ok(t)(w.root.PersonalAccessTokens.RevokePersonalAccessTokenByID(token.ID))
	expect("with the token revoked", revoked)
}
