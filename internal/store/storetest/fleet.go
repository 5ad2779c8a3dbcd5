package storetest

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"
	"time"

	"baton.example/baton"
)

// A Fleet is many runners as an organization has them: most of them call every
// few seconds, and what narrows a list down is spread evenly over their ids.
//
//	type        30 % instance, 40 % group, 30 % project
//	paused      10 %
//	status      75 % online, 20 % offline, of which 15 % stale, 5 % never contacted
//	tags        "most" 90 %, "some" 10 %, "few" 0.1 %, "half" 50 %
//	version     "18." 90 %, "17." 9 %, "16." 1 % of those that ever called
//
// Groups have ids from 1001 on, of which the first ten hold the others, and
// projects from 1 on. User 2 is an Owner of [OwnedGroups] groups and a
// Maintainer of [OwnedProjects] projects, user 3 of a hundredth as many. 41
// users created the runners.
type Fleet struct {
	Runners int
	Now     time.Time
}

// What user 2 has, where there are so many runners that it is a small part.
const (
	OwnedGroups   = 1000
	OwnedProjects = 2000
)

// tags are who has them: of a thousand runners, those with the remainders below.
var fleetTags = []struct {
	name  string
	of    int // multiplied by this, and added to, so that tags are independent
	below int
}{{"most", 7919, 900}, {"some", 6151, 100}, {"few", 3571, 1}, {"half", 2309, 500}}

// An Execer runs statements.
type Execer interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
}

// Insert writes the fleet into a database that has no runners, in a few
// seconds: postgres says which dialect that is.
func (f Fleet) Insert(ctx context.Context, tb testing.TB, db Execer, postgres bool) {
	tb.Helper()
	exec := func(text string, args ...any) {
		tb.Helper()
		if _, err := db.ExecContext(ctx, text, args...); err != nil {
			tb.Fatalf("%v in %s", err, text)
		}
	}
	// Of numbers from 1 to $1.
	const count = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
	digest, ago := "randomblob(32)", "$2 - $SECONDS * 1000000"
	if postgres {
		digest, ago = "sha256(('fleet ' || i)::bytea)", "$2::timestamptz - $SECONDS * interval '1 second'"
	}
	before := func(seconds string) string { return strings.ReplaceAll(ago, "$SECONDS", "("+seconds+")") }
	var now any = f.Now.UTC()
	if !postgres {
		now = f.Now.UnixMicro()
	}

	exec(count+`INSERT INTO users (id, username, name, email, state, admin, bot, external, private_profile, can_create_group, projects_limit, note, created_at, updated_at)
		SELECT i, 'fleet' || i, 'Fleet ' || i, 'fleet' || i || '@example.com', 'active', FALSE, FALSE, FALSE, FALSE, TRUE, 10, '', $2, $2 FROM n WHERE i > 1 OR NOT EXISTS (SELECT 1 FROM users)`, 41, now)
	groups, projects := min(f.Runners, 4*OwnedGroups), min(f.Runners, 4*OwnedProjects)
	exec(count+`INSERT INTO namespaces (id, kind, name, path, parent_id, description, visibility, shared_runners_setting, subgroup_creation_level,
		runner_registration_enabled, allow_runner_registration_token, created_at, updated_at)
		SELECT 1000 + i, 'group', 'g' || i, 'g' || i, CASE WHEN i > 10 THEN 1001 + i % 10 END, '', 'private', 'enabled', 'owner', TRUE, TRUE, $2, $2 FROM n`, groups, now)
	exec(count+`INSERT INTO projects (id, namespace_id, name, path, description, visibility, creator_id, default_branch, ci_config_path, build_timeout,
		shared_runners_enabled, group_runners_enabled, runner_registration_enabled, last_activity_at, created_at, updated_at)
		SELECT i, 1001 + i % $3, 'p' || i, 'p' || i, '', 'private', 1, 'main', '', 3600, TRUE, TRUE, TRUE, $2, $2, $2 FROM n`, projects, now, groups)
	exec(`INSERT INTO routes (path, name, namespace_id) SELECT path, name, id FROM namespaces WHERE id > 1000`)
	exec(`INSERT INTO routes (path, name, project_id) SELECT path, name, id FROM projects`)
	exec(`INSERT INTO members (namespace_id, user_id, access_level, created_at) SELECT id, 2, 50, $1 FROM namespaces WHERE id > 1010 AND id % 4 = 3`, now)
	exec(`INSERT INTO members (project_id, user_id, access_level, created_at) SELECT id, 2, 40, $1 FROM projects WHERE id % 4 = 1`, now)
	exec(`INSERT INTO members (namespace_id, user_id, access_level, created_at) SELECT id, 3, 50, $1 FROM namespaces WHERE id > 1010 AND id % 400 = 11`, now)
	exec(`INSERT INTO members (project_id, user_id, access_level, created_at) SELECT id, 3, 40, $1 FROM projects WHERE id % 400 = 1`, now)

	// What depends on the remainders of a hundred multiplied by different primes
	// is independent enough.
	of := func(prime int) string { return "i * " + strconv.Itoa(prime) + " % 997 * 100 / 997" }
	kind, contact := of(571), of(773)
	exec(count+`INSERT INTO runners (type, group_id, project_id, creator_id, description, maintenance_note, paused, locked, run_untagged,
		access_level, token_digest, token_created_at, contacted_at, asked_for_jobs, created_at, updated_at)
		SELECT CASE WHEN `+kind+` < 30 THEN 'instance_type' WHEN `+kind+` < 70 THEN 'group_type' ELSE 'project_type' END,
			CASE WHEN `+kind+` BETWEEN 30 AND 69 THEN 1001 + i % $3 END,
			CASE WHEN `+kind+` >= 70 THEN 1 + i % $4 END,
			1 + i % 41, 'build machine ' || i, '', `+of(283)+` < 10, FALSE, TRUE, 'not_protected', `+digest+`, `+before("90 * 86400")+`,
			CASE WHEN `+contact+` < 75 THEN `+before("i % 60")+`
				WHEN `+contact+` < 80 THEN `+before("7200 + i % 6 * 86400")+`
				WHEN `+contact+` < 95 THEN `+before("604800 + i % 30 * 86400")+` END,
			TRUE, `+before("90 * 86400")+`, `+before("90 * 86400")+`
		FROM n`, f.Runners, now, groups, projects)
	exec(`INSERT INTO runner_projects (runner_id, project_id, created_at) SELECT id, project_id, created_at FROM runners WHERE project_id IS NOT NULL`)
	for i, tag := range fleetTags {
		exec(`INSERT INTO runner_tags (runner_id, position, tag) SELECT id, $1, $2 FROM runners WHERE id * `+strconv.Itoa(tag.of)+` % 1009 * 1000 / 1009 < $3`,
			i, tag.name, tag.below)
	}
	exec(`INSERT INTO runner_managers (runner_id, system_id, version, revision, platform, architecture, executor, ip, contacted_at, created_at)
		SELECT id, 's_' || id, CASE WHEN id * 431 % 991 % 100 < 90 THEN '18.5.0' WHEN id * 431 % 991 % 100 < 99 THEN '17.11.1' ELSE '16.0.2' END,
			'0a1b2c3d', 'linux', 'amd64', 'shell', '10.0.0.1', contacted_at, created_at
		FROM runners WHERE contacted_at IS NOT NULL`)
}

// Token inserts an access token of the user, with the scope api.
func (f Fleet) Token(ctx context.Context, tb testing.TB, db Execer, user baton.UserID, token string) {
	tb.Helper()
	digest := baton.DigestOf(token)
	var now any = f.Now.UTC()
	_, err := db.ExecContext(ctx, `INSERT INTO access_tokens (digest, user_id, name, description, scopes, revoked, last_used_at, last_used_ips, created_at)
		VALUES ($1, $2, 'bench', '', 'api', FALSE, $3, '127.0.0.1', $3)`, digest[:], user, now)
	if err != nil {
		tb.Fatal(err)
	}
}
