package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/app"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/telemetry"
	"baton.example/baton/internal/testkit/pgtest"
	"baton.example/baton/internal/testkit/pipe"
)

// worldClock is when every world begins. The digits below a millisecond must
// not be seen anywhere.
var worldClock = time.Date(2026, 1, 5, 9, 0, 0, 123_999_000, time.UTC)

// externalURL is where every world says that it is.
const externalURL = "https://ci.example.com"

// A world is a whole Baton on a new database, with a clock that stands still,
// and the words in which a conversation says what is in it:
//
//	clock TIME            wait DURATION
//	user NAME [admin] [external] [blocked] [deactivated]
//	block NAME            deactivate NAME        activate NAME
//	token VARIABLE USER SCOPE,… [until DATE] [revoked]
//	group PATH [KEY=VALUE …]
//	project PATH [KEY=VALUE …]
//	member USER LEVEL of PATH [until DATE]
//	share PATH with GROUP as LEVEL [until DATE]
//	change PATH KEY=VALUE …
//	set SETTING VALUE
//	delete PATH
//	break TABLE           mend TABLE
//
// A user comes with a token of scope api in the variable of the same name. The
// ids of all are in {{user NAME}}, {{group PATH}} and {{project PATH}}. The
// keys of groups and projects and the settings are those of the API.
//
// A world begins as an instance does: with the administrator root, whose token
// has every scope.
//
// The questions are "audit", "rows" and "managers of RUNNER".
type world struct {
	store store.Store
	app   *app.App
	// database is a connection of the test's own.
	database *sql.DB
	dir      string
	log      lockedBuffer
	vars     map[string]string
	client   *http.Client
	// seen is what there was after the last directive or request, told the last
	// audit event then.
	seen snapshot
	told int64

	mu sync.Mutex
	// now is where the clock stands, zero if it runs.
	now time.Time
}

// kinds are the databases that every test runs on.
var kinds = []struct {
	name string
	open func(*testing.T) *world
}{
	{"sqlite", func(t *testing.T) *world { t.Helper(); return newWorld(t, "") }},
	{"postgres", func(t *testing.T) *world { t.Helper(); return newWorld(t, pgtest.URL(t)) }},
}

// newWorld starts a Baton on a new database.
func newWorld(t *testing.T, databaseURL string) *world {
	t.Helper()
	w := &world{now: worldClock, client: &http.Client{Transport: &http.Transport{}}}
	w.start(t, databaseURL, nil)
	return w
}

// newBubble starts a Baton in the bubble of the test, whose clock it lives by,
// and on a network in it.
func newBubble(t *testing.T, databaseURL string) (*world, *pipe.Network) {
	t.Helper()
	network := pipe.New()
	w := &world{client: &http.Client{Transport: &http.Transport{DialContext: network.DialContext}}}
	w.start(t, databaseURL, network)
	return w, network
}

// start starts the world's Baton, on a port of its own if there is no listener.
func (w *world) start(t *testing.T, databaseURL string, listener net.Listener) {
	t.Helper()
	w.dir = t.TempDir()
	log, err := telemetry.NewLogger(&w.log, telemetry.TextLog, slog.LevelDebug)
	if err != nil {
		t.Fatal(err)
	}
	config := app.Config{
		Listen: "127.0.0.1:0", Listener: listener, DataDir: w.dir, DatabaseURL: baton.NewSecret(databaseURL),
		ExternalURL: externalURL, Log: log, Now: w.clock,
	}
	driver, source := "sqlite", "file:"+(&url.URL{Path: filepath.Join(w.dir, "baton.db")}).EscapedPath()+"?_pragma=busy_timeout(10000)"
	if databaseURL != "" {
		driver, source = "pgx", databaseURL
		config.SecretKeyFile = filepath.Join(w.dir, "secret.key")
		if _, err := seal.Create(config.SecretKeyFile); err != nil {
			t.Fatal(err)
		}
	}
	// The administrator is made here: the first start would hash a password,
	// which takes longer than all the rest.
	if w.store, err = app.OpenStore(t.Context(), &config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, w.store) })
	if w.vars, err = w.Do("user root admin"); err != nil {
		t.Fatal(err)
	}
	if w.app, err = app.Open(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if w.database, err = sql.Open(driver, source); err != nil {
		t.Fatal(err)
	}
	if err := w.baseline(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- w.app.Serve(ctx) }()
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		closeAll(t, w.app, w.database)
	})
}

func closeAll(t *testing.T, all ...interface{ Close() error }) {
	t.Helper()
	for _, c := range all {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// clock tells the world's time.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now.IsZero() {
		return time.Now()
	}
	return w.now
}

func (w *world) setClock(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
}

// Addr implements golden.World.
func (w *world) Addr() string { return w.app.Addr().String() }

// Vars implements golden.World.
func (w *world) Vars() map[string]string { return maps.Clone(w.vars) }

// Usual implements golden.World: the headers of every answer of GitLab's API.
func (w *world) Usual() map[string]string {
	return map[string]string{
		"Cache-Control":          "max-age=0, private, must-revalidate",
		"Vary":                   "Origin",
		"X-Content-Type-Options": "nosniff",
		"X-Frame-Options":        "SAMEORIGIN",
		"Connection":             "", "Content-Length": "", "Date": "", "Etag": "",
		"X-Gitlab-Meta": "", "X-Request-Id": "", "X-Runtime": "",
	}
}

// Do implements golden.World.
func (w *world) Do(line string) (vars map[string]string, err error) {
	var rest words = strings.Fields(line)
	switch verb := rest.next(); verb {
	case "clock":
		now, err := time.Parse(time.RFC3339Nano, rest.next())
		w.setClock(now)
		return nil, err
	case "break", "mend":
		names := []string{rest.next(), ""}
		names[1] = names[0] + "_broken"
		if verb == "mend" {
			slices.Reverse(names)
		}
		_, err := w.database.ExecContext(context.Background(), "ALTER TABLE "+names[0]+" RENAME TO "+names[1])
		return nil, err
	case "wait":
		d, err := time.ParseDuration(rest.next())
		w.setClock(w.clock().Add(d))
		return nil, err
	default:
		do := directives[verb]
		if do == nil {
			return nil, fmt.Errorf("%q is no directive", verb)
		}
		err := w.store.Tx(context.Background(), func(ctx context.Context, tx store.Tx) error {
			s := &scribe{tx: tx, now: w.clock(), words: slices.Clone(rest), vars: map[string]string{}}
			vars = s.vars
			if err := do(s, ctx); err != nil {
				return err
			}
			if len(s.words) > 0 {
				return fmt.Errorf("%q is too much", s.words)
			}
			return nil
		})
		if err == nil && w.database != nil {
			err = w.baseline()
		}
		return vars, err
	}
}

// ask sends a request as root, with a JSON body unless that is empty, reads the
// JSON of the answer unless into is nil, and returns the status. It may run
// beside the test; what fails is an error of that, and status 0.
func (w *world) ask(t *testing.T, method, path, body string, into any) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.Addr()+"/api/v4"+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Private-Token", w.Vars()["root"])
	response, err := w.client.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	if into == nil {
		return response.StatusCode
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return response.StatusCode
}

// words are the rest of a directive.
type words []string

// next takes a word, "" at the end.
func (w *words) next() string {
	if len(*w) == 0 {
		return ""
	}
	first := (*w)[0]
	*w = (*w)[1:]
	return first
}

// is takes a word if it is the next.
func (w *words) is(word string) bool {
	if len(*w) == 0 || (*w)[0] != word {
		return false
	}
	w.next()
	return true
}

// until takes a date, "" if there is none.
func (w *words) until() baton.Date {
	if w.is("until") {
		return baton.Date(w.next())
	}
	return ""
}

// A scribe writes into the database what a directive says.
type scribe struct {
	words

	tx   store.Tx
	now  time.Time
	vars map[string]string
}

var directives = map[string]func(*scribe, context.Context) error{
	"user":       (*scribe).user,
	"block":      func(s *scribe, ctx context.Context) error { return s.state(ctx, baton.UserBlocked) },
	"deactivate": func(s *scribe, ctx context.Context) error { return s.state(ctx, baton.UserDeactivated) },
	"activate":   func(s *scribe, ctx context.Context) error { return s.state(ctx, baton.UserActive) },
	"token":      (*scribe).token,
	"group":      (*scribe).group,
	"project":    (*scribe).project,
	"member":     (*scribe).member,
	"share":      (*scribe).share,
	"change":     (*scribe).change,
	"set":        (*scribe).set,
	"delete":     (*scribe).delete,
}

// rootID is the id of the user root.
const rootID baton.UserID = 1

// name returns the name that goes with a path, as GitLab would make it.
func name(path string) string { return strings.ToUpper(path[:1]) + path[1:] }

func (s *scribe) user(ctx context.Context) error {
	username := s.next()
	u := baton.User{
		Username: username, Name: name(username), Email: username + "@example.com",
		State: baton.UserActive, CanCreateGroup: true, ProjectsLimit: 100_000,
		CreatedBy: rootID, CreatedAt: s.now, UpdatedAt: s.now,
	}
	if username == "root" {
		u.Name, u.Email, u.CreatedBy = "Administrator", "admin@example.com", 0
	}
	for len(s.words) > 0 {
		switch option := s.next(); option {
		case "admin":
			u.Admin = true
		case "external":
			u.External = true
		case "blocked", "deactivated":
			u.State = baton.UserState(option)
		default:
			return fmt.Errorf("%q is nothing that a user may be", option)
		}
	}
	id, err := s.tx.InsertUser(ctx, u)
	if err != nil {
		return err
	}
	s.vars["user "+username] = fmt.Sprint(id)
	if _, err := s.tx.InsertNamespace(ctx, baton.Namespace{
		Kind: baton.UserNamespace, Name: u.Name, Path: username, OwnerID: id, Visibility: baton.Public,
		SharedRunnersSetting: baton.SharedRunnersEnabled, SubgroupCreationLevel: baton.SubgroupsByMaintainer,
		RunnerRegistrationEnabled: true, AllowRunnerRegistrationToken: true, CreatedAt: s.now, UpdatedAt: s.now,
	}); err != nil {
		return err
	}
	t := baton.AccessToken{UserID: id, Name: username, Scopes: []baton.Scope{baton.ScopeAPI}, ExpiresAt: baton.DateOf(s.now).AddDays(365)}
	if username == "root" {
		t.Name, t.Scopes, t.ExpiresAt = "first start", baton.Scopes(), ""
	}
	return s.insertToken(ctx, username, t)
}

func (s *scribe) insertToken(ctx context.Context, variable string, t baton.AccessToken) error {
	text := baton.NewToken(baton.AccessTokenPrefix)
	t.CreatedAt = s.now
	_, err := s.tx.InsertAccessToken(ctx, t, text.Digest())
	s.vars[variable] = text.Reveal()
	return err
}

func (s *scribe) state(ctx context.Context, state baton.UserState) error {
	u, err := s.tx.UserByName(ctx, s.next())
	if err != nil {
		return err
	}
	u.State = state
	return s.tx.UpdateUser(ctx, u)
}

func (s *scribe) token(ctx context.Context) error {
	variable := s.next()
	u, err := s.tx.UserByName(ctx, s.next())
	if err != nil {
		return err
	}
	t := baton.AccessToken{UserID: u.ID, Name: variable}
	for scope := range strings.SplitSeq(s.next(), ",") {
		t.Scopes = append(t.Scopes, baton.Scope(scope))
	}
	if t.ExpiresAt = s.until(); t.ExpiresAt == "" {
		t.ExpiresAt = baton.DateOf(s.now).AddDays(365)
	}
	t.Revoked = s.is("revoked")
	return s.insertToken(ctx, variable, t)
}

// parent splits a path into the namespace that it is in and its last part.
func (s *scribe) parent(ctx context.Context, path string) (baton.Namespace, string, error) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return baton.Namespace{}, path, nil
	}
	n, err := s.tx.NamespaceByPath(ctx, path[:at])
	return n, path[at+1:], err
}

func (s *scribe) group(ctx context.Context) error {
	full := s.next()
	in, path, err := s.parent(ctx, full)
	if err != nil {
		return err
	}
	g := baton.Namespace{
		Kind: baton.GroupNamespace, Name: name(path), Path: path, ParentID: in.ID, Visibility: baton.Private,
		SharedRunnersSetting: baton.SharedRunnersEnabled, SubgroupCreationLevel: baton.SubgroupsByMaintainer,
		RunnerRegistrationEnabled: true, AllowRunnerRegistrationToken: true, CreatedAt: s.now, UpdatedAt: s.now,
	}
	if err := s.groupKeys(&g); err != nil {
		return err
	}
	id, err := s.tx.InsertNamespace(ctx, g)
	s.vars["group "+full] = fmt.Sprint(id)
	return err
}

// keys takes the pairs that are left and gives each value to be set.
func (s *scribe) keys(set func(key, value string, number int) bool) error {
	for len(s.words) > 0 {
		pair := s.next()
		key, value, _ := strings.Cut(pair, "=")
		number, _ := strconv.Atoi(value)
		if !set(key, value, number) {
			return fmt.Errorf("%q cannot be set", pair)
		}
	}
	return nil
}

func (s *scribe) groupKeys(g *baton.Namespace) error {
	return s.keys(func(key, value string, number int) bool {
		switch key {
		case "visibility":
			g.Visibility = baton.Visibility(value)
		case "shared_runners_setting":
			g.SharedRunnersSetting = baton.SharedRunnersSetting(value)
		case "runner_token_overlap":
			g.RunnerTokenOverlap = &number
		case "runner_registration_enabled":
			g.RunnerRegistrationEnabled = value == "true"
		case "allow_runner_registration_token":
			g.AllowRunnerRegistrationToken = value == "true"
		case "runner_token_expiration_interval":
			g.RunnerTokenExpirationInterval = number
		case "subgroup_runner_token_expiration_interval":
			g.SubgroupRunnerTokenExpirationInterval = number
		case "project_runner_token_expiration_interval":
			g.ProjectRunnerTokenExpirationInterval = number
		default:
			return false
		}
		return true
	})
}

func (s *scribe) project(ctx context.Context) error {
	full := s.next()
	in, path, err := s.parent(ctx, full)
	if err != nil {
		return err
	}
	p := baton.Project{
		NamespaceID: in.ID, Name: name(path), Path: path, Visibility: baton.Private, CreatorID: rootID,
		DefaultBranch: "main", BuildTimeout: baton.DefaultBuildTimeout, SharedRunnersEnabled: true, GroupRunnersEnabled: true,
		RunnerRegistrationEnabled: true, LastActivityAt: s.now, CreatedAt: s.now, UpdatedAt: s.now,
	}
	if err := s.projectKeys(&p); err != nil {
		return err
	}
	id, err := s.tx.InsertProject(ctx, p)
	if err != nil {
		return err
	}
	s.vars["project "+full] = fmt.Sprint(id)
	_, err = s.tx.InsertProtectedRef(ctx, baton.DefaultProtection(id, &p))
	return err
}

func (s *scribe) projectKeys(p *baton.Project) error {
	return s.keys(func(key, value string, number int) bool {
		switch key {
		case "visibility":
			p.Visibility = baton.Visibility(value)
		case "shared_runners_enabled":
			p.SharedRunnersEnabled = value == "true"
		case "group_runners_enabled":
			p.GroupRunnersEnabled = value == "true"
		case "runner_registration_enabled":
			p.RunnerRegistrationEnabled = value == "true"
		case "runner_token_expiration_interval":
			p.RunnerTokenExpirationInterval = number
		default:
			return false
		}
		return true
	})
}

// place takes the path of a group or project.
func (s *scribe) place(ctx context.Context) (source baton.Source, g baton.Namespace, p baton.Project, err error) {
	path := s.next()
	if p, err = s.tx.ProjectByPath(ctx, path); err == nil {
		return baton.InProject(p.ID), g, p, nil
	}
	g, err = s.tx.NamespaceByPath(ctx, path)
	return baton.InGroup(g.ID), g, p, err
}

func (s *scribe) change(ctx context.Context) error {
	source, g, p, err := s.place(ctx)
	switch {
	case err != nil:
		return err
	case source.Project != 0:
		if err := s.projectKeys(&p); err != nil {
			return err
		}
		return s.tx.UpdateProject(ctx, p)
	default:
		if err := s.groupKeys(&g); err != nil {
			return err
		}
		return s.tx.UpdateNamespace(ctx, g)
	}
}

var levels = map[string]baton.AccessLevel{
	"minimal": baton.MinimalAccess, "guest": baton.GuestAccess, "planner": baton.PlannerAccess, "reporter": baton.ReporterAccess,
	"developer": baton.DeveloperAccess, "maintainer": baton.MaintainerAccess, "owner": baton.OwnerAccess,
}

// level takes the name of a role.
func (s *scribe) level() (baton.AccessLevel, error) {
	word := s.next()
	level, ok := levels[word]
	if !ok {
		return 0, fmt.Errorf("%q is no role", word)
	}
	return level, nil
}

func (s *scribe) member(ctx context.Context) error {
	u, err := s.tx.UserByName(ctx, s.next())
	if err != nil {
		return err
	}
	level, err := s.level()
	if err != nil {
		return err
	}
	s.is("of")
	source, _, _, err := s.place(ctx)
	if err != nil {
		return err
	}
	return s.tx.InsertMember(ctx, baton.Member{
		Source: source, UserID: u.ID, AccessLevel: level, ExpiresAt: s.until(), CreatedBy: rootID, CreatedAt: s.now,
	})
}

func (s *scribe) share(ctx context.Context) error {
	source, _, _, err := s.place(ctx)
	if err != nil {
		return err
	}
	s.is("with")
	with, err := s.tx.NamespaceByPath(ctx, s.next())
	if err != nil {
		return err
	}
	s.is("as")
	level, err := s.level()
	if err != nil {
		return err
	}
	return s.tx.InsertShare(ctx, baton.Share{
		Source: source, WithGroup: with.ID, AccessLevel: level, ExpiresAt: s.until(), CreatedAt: s.now,
	})
}

func (s *scribe) set(ctx context.Context) error {
	settings, err := s.tx.Settings(ctx)
	if err != nil {
		return err
	}
	name, value := s.next(), s.next()
	number, _ := strconv.Atoi(value)
	switch on := value == "true"; name {
	case "allow_runner_registration_token":
		settings.AllowRunnerRegistrationToken = on
	case "admin_mode":
		settings.AdminMode = on
	case "maintainers_can_create_project_runners":
		settings.MaintainersCanCreateProjectRunners = on
	case "valid_runner_registrars":
		settings.ValidRunnerRegistrars = strings.FieldsFunc(value, func(c rune) bool { return c == ',' })
	case "runner_token_expiration_interval":
		settings.RunnerTokenExpirationInterval = number
	case "group_runner_token_expiration_interval":
		settings.GroupRunnerTokenExpirationInterval = number
	case "project_runner_token_expiration_interval":
		settings.ProjectRunnerTokenExpirationInterval = number
	case "runner_token_overlap":
		settings.RunnerTokenOverlap = number
	case "throttle_authenticated_api":
		settings.AuthenticatedThrottle, err = throttle(value)
	case "throttle_unauthenticated_api":
		settings.UnauthenticatedThrottle, err = throttle(value)
	default:
		return fmt.Errorf("%q is no setting", name)
	}
	if err != nil {
		return err
	}
	return s.tx.SetSettings(ctx, settings)
}

// throttle reads requests/seconds.
func throttle(value string) (baton.Throttle, error) {
	t := baton.Throttle{Enabled: true}
	_, err := fmt.Sscanf(value, "%d/%d", &t.Requests, &t.Period)
	return t, err
}

func (s *scribe) delete(ctx context.Context) error {
	source, g, _, err := s.place(ctx)
	switch {
	case err != nil:
		return err
	case source.Project != 0:
		return s.tx.DeleteProject(ctx, source.Project)
	case g.Kind == baton.GroupNamespace:
		return s.tx.DeleteNamespace(ctx, g.ID)
	default:
		if err := s.tx.DeleteNamespace(ctx, g.ID); err != nil {
			return err
		}
		return s.tx.DeleteUser(ctx, g.OwnerID)
	}
}
