package store

import (
	"context"
	"time"

	"baton.example/baton"
)

// A Store is a database with everything that Baton keeps.
type Store interface {
	Reader
	RunnerCreator
	UseRecorder
	AuditSealer

	// Tx runs fn in a transaction that commits when fn returns nil. See the
	// package documentation for what fn must and must not do.
	Tx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// Ping returns an error of CodeUnavailable when the database does not
	// answer.
	Ping(ctx context.Context) error
	// Kind is "SQLite" or "PostgreSQL".
	Kind() string
	// Close waits for what runs and closes the database.
	Close() error
}

// A Tx is a transaction: its reads see its writes.
type Tx interface {
	Reader
	Writer
}

// A Reader is every read.
type Reader interface {
	PrincipalReader
	SettingsReader
	UserReader
	AccessTokenReader
	NamespaceReader
	ProjectReader
	MemberReader
	RunnerReader
	PipelineReader
	JobReader
	AuditReader
	AnswerReader
	KeyReader
	RegistrationTokenReader
	StalePolicyReader
	VariableReader
}

// A Writer is every write that is part of a transaction.
type Writer interface {
	SettingsWriter
	UserWriter
	AccessTokenWriter
	NamespaceWriter
	ProjectWriter
	MemberWriter
	RunnerWriter
	PipelineWriter
	JobWriter
	AuditWriter
	AnswerWriter
	KeyWriter
	RegistrationTokenWriter
	StalePolicyWriter
	VariableWriter
}

// A Page is a part of a list. Rows are ordered by id unless the method says
// otherwise.
type Page struct {
	// Limit is how many rows, at least 1.
	Limit int
	// Offset is how many rows to pass over.
	Offset int
}

// A PrincipalReader finds who makes a request, in one round trip.
type PrincipalReader interface {
	// Principal returns the settings and, if there is an access token with the
	// digest, the token and its user; Token and User are nil when there is
	// none. It does not judge: the token may be expired, the user blocked.
	Principal(ctx context.Context, token baton.Digest) (Principal, error)
	// RunnerByToken returns the runner that holds the token, with its tags, and
	// the token. It does not judge: the token may be expired.
	RunnerByToken(ctx context.Context, token baton.Digest) (baton.Runner, baton.RunnerToken, error)
}

// A Principal is what a request's access token leads to.
type Principal struct {
	Settings baton.Settings
	Token    *baton.AccessToken
	User     *baton.User
}

// A SettingsReader reads the application settings.
type SettingsReader interface {
	Settings(ctx context.Context) (baton.Settings, error)
}

// A SettingsWriter writes the application settings.
type SettingsWriter interface {
	SetSettings(ctx context.Context, s baton.Settings) error
}

// A UserFilter chooses users; the zero value chooses all.
type UserFilter struct {
	// IDs, unless empty, are those wanted.
	IDs []baton.UserID
	// Username is compared whole, without regard to case.
	Username string
	// Search is a part of username or name, or a whole email, without regard
	// to case.
	Search string
	// States, unless empty, are those wanted.
	States []baton.UserState
	// Admins, Humans leave only administrators, and no bots.
	Admins bool
	Humans bool
	// BotsOf, if set, leaves the bots of a group or project.
	BotsOf baton.Source
}

// A UserReader reads users.
type UserReader interface {
	User(ctx context.Context, id baton.UserID) (baton.User, error)
	// UserByName finds by username, without regard to case.
	UserByName(ctx context.Context, username string) (baton.User, error)
	// UserByEmail finds by email, without regard to case.
	UserByEmail(ctx context.Context, email string) (baton.User, error)
	Users(ctx context.Context, f UserFilter, p Page) ([]baton.User, error)
	CountUsers(ctx context.Context, f UserFilter) (int, error)
	// RetiredBots returns the bots that were made at since or before and have had
	// no token that worked after it. A token that ends on the day of since had
	// its end before.
	RetiredBots(ctx context.Context, since time.Time, p Page) ([]baton.User, error)
	// PasswordHash returns the PHC string of the user's password, "" for none.
	PasswordHash(ctx context.Context, id baton.UserID) (string, error)
}

// A UserWriter writes users.
type UserWriter interface {
	// InsertUser stores a new user and returns its id. The field ID is
	// ignored. A taken username or email is a conflict.
	InsertUser(ctx context.Context, u baton.User) (baton.UserID, error)
	// UpdateUser stores all of u but BotOf, CreatedAt and CreatedBy.
	UpdateUser(ctx context.Context, u baton.User) error
	SetPasswordHash(ctx context.Context, id baton.UserID, hash string) error
	// DeleteUser removes the user with memberships, access tokens and stored
	// answers. What the user created lives on without a creator. The personal
	// namespace must be gone before: it is CodeStale otherwise.
	DeleteUser(ctx context.Context, id baton.UserID) error
}

// An AccessTokenFilter chooses access tokens; the zero value chooses all.
type AccessTokenFilter struct {
	UserID baton.UserID
	// BotsOf, if set, leaves the tokens of the bots of a group or project.
	BotsOf baton.Source
	// Search is a part of the name, without regard to case.
	Search  string
	Revoked *bool
	// Active, if set, leaves the tokens that work (or do not) on Today.
	Active *bool
	Today  baton.Date
	// The bounds of times, both inclusive, zero for none.
	CreatedAfter, CreatedBefore   time.Time
	LastUsedAfter, LastUsedBefore time.Time
	// The bounds of the expiry, both inclusive, "" for none.
	ExpiresAfter, ExpiresBefore baton.Date
	// Sort is a column and direction: id, created_at, expires_at, last_used_at
	// or name, each with _asc or _desc; "" is id_asc, and anything else is
	// CodeInvalid. A token without a time comes after all that have one.
	Sort string
}

// An AccessTokenReader reads personal access tokens.
type AccessTokenReader interface {
	AccessToken(ctx context.Context, id baton.TokenID) (baton.AccessToken, error)
	AccessTokens(ctx context.Context, f AccessTokenFilter, p Page) ([]baton.AccessToken, error)
	CountAccessTokens(ctx context.Context, f AccessTokenFilter) (int, error)
}

// An AccessTokenWriter writes personal access tokens.
type AccessTokenWriter interface {
	// InsertAccessToken stores a token under its digest and returns its id.
	// Family 0 makes the token the first of its own family.
	InsertAccessToken(ctx context.Context, t baton.AccessToken, digest baton.Digest) (baton.TokenID, error)
	// RevokeAccessToken revokes a token. One that is revoked already is not
	// found, so that of two who revoke it one is told.
	RevokeAccessToken(ctx context.Context, id baton.TokenID, now time.Time) error
	// RevokeAccessTokenFamily revokes every token of a chain of rotations. One
	// in which all are revoked already is not found.
	RevokeAccessTokenFamily(ctx context.Context, family baton.TokenID, now time.Time) error
}

// A UseRecorder writes down who called. Each method is a transaction by itself
// that changes the same few rows all the time and depends on nothing that was
// read before; as part of a [Tx] it would make others run again.
type UseRecorder interface {
	// TouchAccessToken records a use of the token and the day of it as the
	// user's last activity.
	TouchAccessToken(ctx context.Context, use TokenUse) error
	// TouchRunner records that a manager called: it creates or updates the
	// manager and moves the runner's ContactedAt (never back). AskedForJobs
	// stays true once it was.
	TouchRunner(ctx context.Context, c Contact) error
}

// A TokenUse is one use of an access token.
type TokenUse struct {
	Token baton.TokenID
	User  baton.UserID
	At    time.Time
	// IPs are the addresses to remember, the newest first.
	IPs []string
}

// A GroupFilter chooses groups; the zero value chooses all.
type GroupFilter struct {
	// Search is a part of name or path, without regard to case.
	Search string
	// ParentID leaves the direct subgroups of a group; TopLevel those without
	// a parent.
	ParentID baton.NamespaceID
	TopLevel bool
	// VisibleTo, unless nil, leaves what the user may see: public, internal
	// unless External, and what a membership (of the group, an ancestor, a
	// descendant group or project, directly or by a share) opens.
	VisibleTo *Viewer
	// Owned, with VisibleTo, leaves the groups the viewer is an Owner of.
	Owned bool
}

// A Viewer is a user who looks at lists on a day. UserID 0 is nobody in
// particular, who sees what is public.
type Viewer struct {
	UserID   baton.UserID
	External bool
	Today    baton.Date
}

// A NamespaceReader reads groups and personal namespaces.
type NamespaceReader interface {
	Namespace(ctx context.Context, id baton.NamespaceID) (baton.Namespace, error)
	// NamespaceByPath finds by full path, without regard to case.
	NamespaceByPath(ctx context.Context, fullPath string) (baton.Namespace, error)
	// PersonalNamespace finds the namespace of a user.
	PersonalNamespace(ctx context.Context, owner baton.UserID) (baton.Namespace, error)
	// Ancestors returns the namespace itself, its parent, and so on to the top.
	Ancestors(ctx context.Context, id baton.NamespaceID) ([]baton.Namespace, error)
	Groups(ctx context.Context, f GroupFilter, p Page) ([]baton.Namespace, error)
	CountGroups(ctx context.Context, f GroupFilter) (int, error)
}

// A NamespaceWriter writes groups and personal namespaces.
type NamespaceWriter interface {
	// InsertNamespace stores a new namespace, its route included, and returns
	// its id. FullPath and FullName are derived from the parent. A taken path
	// (by a group, a user or a project) is a conflict, and one that makes a
	// full path longer than [baton.MaxFullPath] is CodeInvalid.
	InsertNamespace(ctx context.Context, n baton.Namespace) (baton.NamespaceID, error)
	// UpdateNamespace stores all of n but Kind, ParentID, OwnerID and
	// CreatedAt; a changed name or path changes the routes of everything below,
	// none of which may get too long.
	UpdateNamespace(ctx context.Context, n baton.Namespace) error
	// DeleteNamespace removes the namespace with all that is below: subgroups,
	// projects, memberships, shares, bots, group runners, and the project
	// runners that are left without any project (see DeleteProject).
	DeleteNamespace(ctx context.Context, id baton.NamespaceID) error
}

// A ProjectFilter chooses projects; the zero value chooses all.
type ProjectFilter struct {
	// Search is a part of name or path, without regard to case.
	Search string
	// NamespaceID leaves the projects directly in a namespace.
	NamespaceID baton.NamespaceID
	// RunnerID leaves the projects that a project runner is assigned to.
	RunnerID baton.RunnerID
	// VisibleTo, unless nil, leaves what the user may see, as in GroupFilter.
	VisibleTo *Viewer
	// Owned, Maintained and Membership, with VisibleTo, leave the projects the
	// viewer is an Owner, at least a Maintainer, or any member, of.
	Owned      bool
	Maintained bool
	Membership bool
}

// A ProjectReader reads projects.
type ProjectReader interface {
	Project(ctx context.Context, id baton.ProjectID) (baton.Project, error)
	// ProjectByPath finds by full path, without regard to case.
	ProjectByPath(ctx context.Context, fullPath string) (baton.Project, error)
	Projects(ctx context.Context, f ProjectFilter, p Page) ([]baton.Project, error)
	CountProjects(ctx context.Context, f ProjectFilter) (int, error)
}

// A ProjectWriter writes projects.
type ProjectWriter interface {
	// InsertProject stores a new project, its route included, and returns its
	// id. A taken path is a conflict.
	InsertProject(ctx context.Context, p baton.Project) (baton.ProjectID, error)
	// UpdateProject stores all of p but NamespaceID, CreatorID and CreatedAt; a
	// changed name or path changes its route.
	UpdateProject(ctx context.Context, p baton.Project) error
	// DeleteProject removes the project with memberships, shares and bots. A project
	// runner that it owned passes to the project it was assigned to first
	// among those left; one that has none left is removed, as GitLab does.
	DeleteProject(ctx context.Context, id baton.ProjectID) error
}

// A MemberReader reads memberships and shares and what follows from them.
type MemberReader interface {
	Member(ctx context.Context, in baton.Source, user baton.UserID) (baton.Member, error)
	// Members returns direct members, ordered by user id.
	Members(ctx context.Context, in baton.Source, p Page) ([]baton.Member, error)
	CountMembers(ctx context.Context, in baton.Source) (int, error)
	// AccessLevel returns the user's effective role in a group or project on a
	// day: the highest of the direct memberships in it and its ancestors, of
	// what shares of any of these give (the lower of the share's level and the
	// user's level, direct or inherited, in the group it lets in), and Owner
	// for a personal namespace's owner. What has expired gives nothing, and
	// neither does a group or project that does not exist. Minimal Access is
	// neither inherited nor shared.
	AccessLevel(ctx context.Context, user baton.UserID, in baton.Source, today baton.Date) (baton.AccessLevel, error)
	// SeesGroup reports whether the user is a member of the group, an
	// ancestor, or of any group or project below, directly or by a share.
	SeesGroup(ctx context.Context, user baton.UserID, group baton.NamespaceID, today baton.Date) (bool, error)
	// MaintainsBelow reports whether the user is at least a Maintainer of a
	// project anywhere below the group that lets the runners of groups in.
	MaintainsBelow(ctx context.Context, user baton.UserID, group baton.NamespaceID, today baton.Date) (bool, error)
	Shares(ctx context.Context, of baton.Source) ([]baton.Share, error)
}

// A MemberWriter writes memberships and shares.
type MemberWriter interface {
	// InsertMember is a conflict if the user is a direct member already.
	InsertMember(ctx context.Context, m baton.Member) error
	// UpdateMember stores the access level and the expiry.
	UpdateMember(ctx context.Context, m baton.Member) error
	DeleteMember(ctx context.Context, in baton.Source, user baton.UserID) error
	// InsertShare is a conflict if the share exists already.
	InsertShare(ctx context.Context, s baton.Share) error
	DeleteShare(ctx context.Context, of baton.Source, with baton.NamespaceID) error
}

// A RunnerFilter chooses runners; the zero value chooses all.
type RunnerFilter struct {
	// Types, unless nil, are those wanted; an empty list wants none.
	Types  []baton.RunnerType
	Paused *bool
	// Tags, unless empty, must all be among the runner's; more than a runner
	// may have are among none's.
	Tags []string
	// Contacts must all hold for the runner at Now.
	Contacts []ContactState
	Now      time.Time
	// VersionPrefix, unless "", begins the version of one of its managers.
	VersionPrefix string
	// Among, unless nil, leaves the runners of a scope.
	Among *RunnerScope
	// IDs, unless nil, are those wanted; an empty list wants none.
	IDs []baton.RunnerID
	// After leaves the runners with larger ids.
	After baton.RunnerID
	// SilentSince, unless zero, leaves the runners that were last seen at that
	// time or before; see [baton.Runner.SeenAt].
	SilentSince time.Time
	// Governed, unless nil, leaves the runners that a stale runner policy of the
	// source is for, whether or not there is one: those of the source and of
	// what is below it, but for those that have a nearer policy. A project runner
	// is its owner's.
	Governed *baton.Source
	// Unshared leaves out the project runners that are assigned to a project
	// besides their owner.
	Unshared bool
}

// A ContactState says how long a runner has been silent. Unlike
// [baton.Runner.Status] the states overlap, as in GitLab's lists.
type ContactState string

// The contact states.
const (
	// ContactOnline: a manager called within [baton.OnlineWindow].
	ContactOnline ContactState = "online"
	// ContactOffline: the last call was longer ago.
	ContactOffline ContactState = "offline"
	// ContactNever: no manager ever called.
	ContactNever ContactState = "never_contacted"
	// ContactStale: neither creation nor call within [baton.StaleAfter].
	ContactStale ContactState = "stale"
)

// A RunnerScope is the runners that belong to something: those for which any
// of its fields holds. The zero scope has none.
type RunnerScope struct {
	// Instance adds all instance runners.
	Instance bool
	// Groups adds the runners of these groups.
	Groups []baton.NamespaceID
	// Project adds the runners that are assigned to the project.
	Project baton.ProjectID
	// Managed adds what the viewer manages by a role: the runners of the groups
	// the viewer is an Owner of, and those assigned to a project in which the
	// viewer is a Maintainer or more.
	Managed *Viewer
}

// A RunnerReader reads runners.
type RunnerReader interface {
	// Runner returns the runner with its tags.
	Runner(ctx context.Context, id baton.RunnerID) (baton.Runner, error)
	// Runners returns runners with their tags.
	Runners(ctx context.Context, f RunnerFilter, p Page) ([]baton.Runner, error)
	// CountRunners returns how many runners there are, but counts no further
	// than most.
	CountRunners(ctx context.Context, f RunnerFilter, most int) (int, error)
	// RunnerProjects returns the projects that a project runner is assigned
	// to, the one that was assigned first ahead.
	RunnerProjects(ctx context.Context, id baton.RunnerID) ([]baton.Project, error)
	// AssignedAt tells since when the project has the project runner.
	AssignedAt(ctx context.Context, id baton.RunnerID, project baton.ProjectID) (time.Time, error)
	// RunnerTokens returns the runner's tokens that were not forgotten, the
	// newest last.
	RunnerTokens(ctx context.Context, id baton.RunnerID) ([]baton.RunnerToken, error)
	// RunnerLosses returns what the deletion of a group, personal namespace or
	// project is going to do to runners, ordered by kind and runner.
	RunnerLosses(ctx context.Context, of baton.Source) ([]RunnerLoss, error)
	// Managers returns the runner's managers, the one that called last ahead.
	Managers(ctx context.Context, id baton.RunnerID) ([]baton.Manager, error)
	// LatestManager returns the first of Managers, or NotFound.
	LatestManager(ctx context.Context, id baton.RunnerID) (baton.Manager, error)
	// Manager finds a runner's manager by system id.
	Manager(ctx context.Context, id baton.RunnerID, systemID string) (baton.Manager, error)
	// SilentManagers returns managers of any runners.
	SilentManagers(ctx context.Context, f SilentManagerFilter, p Page) ([]baton.Manager, error)
	CountSilentManagers(ctx context.Context, f SilentManagerFilter) (int, error)
}

// A SilentManagerFilter chooses managers that did not call for long; the zero
// value chooses all.
type SilentManagerFilter struct {
	// Since, unless zero, is when the last of them called, at the latest.
	Since time.Time
	// IDs, unless nil, are those wanted; an empty list wants none.
	IDs []baton.ManagerID
	// After leaves the managers with larger ids.
	After baton.ManagerID
	// Governed, unless nil, leaves the managers of the runners that a filter with
	// the same field leaves.
	Governed *baton.Source
	// Besides, unless nil, leaves out the managers of the runners that it chooses.
	Besides *RunnerFilter
}

// A RunnerLoss is what the deletion of something does to a runner.
type RunnerLoss struct {
	Kind   LossKind
	Runner baton.RunnerID
	// From is the group or project that the runner loses, FromPath its full
	// path.
	From     baton.Source
	FromPath string
	// To is the project that a runner passes to, ToPath its full path.
	To     baton.ProjectID
	ToPath string
}

// A LossKind tells what becomes of a runner.
type LossKind int

// The kinds of loss, see [ProjectWriter.DeleteProject].
const (
	// RunnerRemoved: the runner goes with its group, or its last project.
	RunnerRemoved LossKind = iota
	// RunnerPassed: the runner passes to another project.
	RunnerPassed
	// RunnerUnassigned: the runner loses a project that did not own it.
	RunnerUnassigned
)

// A RunnerWriter changes runners.
type RunnerWriter interface {
	// UpdateRunner stores the attributes of r that a user may change, its tags
	// included, and UpdatedAt.
	UpdateRunner(ctx context.Context, r baton.Runner) error
	// AssignRunner gives a project runner to a further project. It is a
	// conflict if the project has it already.
	AssignRunner(ctx context.Context, id baton.RunnerID, project baton.ProjectID, at time.Time) error
	UnassignRunner(ctx context.Context, id baton.RunnerID, project baton.ProjectID) error
	// RotateRunnerToken gives the runner a new token and retires others. What
	// has expired by then is forgotten.
	RotateRunnerToken(ctx context.Context, n Rotation) error
	// PauseRunners pauses runners and sets their UpdatedAt. It is NotFound unless
	// all were there.
	PauseRunners(ctx context.Context, at time.Time, ids ...baton.RunnerID) error
	// DeleteManager forgets managers, which are known again when they call. It is
	// NotFound unless all were there.
	DeleteManager(ctx context.Context, ids ...baton.ManagerID) error
	// DeleteRunner removes runners. It is NotFound unless all were there.
	DeleteRunner(ctx context.Context, ids ...baton.RunnerID) error
}

// A Rotation is a new token in the place of others.
type Rotation struct {
	// Token is the new one, with the number after the newest.
	Token  baton.RunnerToken
	Digest baton.Digest
	// Retired is the number of the token that ends, 0 for all there are.
	Retired int
	// RetiredAt is when that is, unless it ends before; zero is at once.
	RetiredAt time.Time
}

// A Contact is one call of a manager.
type Contact struct {
	// Manager has RunnerID, SystemID, the reported fields, IP, the token that it
	// called with, and ContactedAt.
	// Reported fields that are empty leave what is known.
	Manager      baton.Manager
	AskedForJobs bool
}

// A RunnerCreator is the hot path: it stores new runners, many concurrent ones
// under one durable commit.
type RunnerCreator interface {
	// CreateRunner stores the runner with its tags, its project if it is a
	// project runner, its first token, its audit event and, if there is one,
	// the stored answer to its request, and returns the runner's id. A stored
	// answer with the same user and key is a conflict, and a user, group or
	// project that is gone is CodeStale; nothing is stored then.
	CreateRunner(ctx context.Context, c RunnerCreation) (baton.RunnerID, error)
}

// A RunnerCreation is everything that one new runner brings with it. The
// functions are called with the id that the runner is to have; they may be
// called more than once, and only one call counts.
type RunnerCreation struct {
	Runner         baton.Runner
	Token          baton.Digest
	TokenExpiresAt time.Time
	Audit          func(baton.RunnerID) baton.AuditEvent
	// Answer is nil for a request without an idempotency key.
	Answer func(baton.RunnerID) (Answer, error)
}

// A PipelineFilter chooses pipelines of a project; nothing else leaves all.
type PipelineFilter struct {
	Project baton.ProjectID
	// Statuses, unless empty, are those wanted.
	Statuses []baton.PipelineStatus
	// The others leave the pipelines for a ref, of a commit, or of a user.
	Ref, SHA string
	User     baton.UserID
	// The bounds of UpdatedAt, both inclusive, zero for none.
	UpdatedAfter, UpdatedBefore time.Time
	// Ascending begins with the oldest.
	Ascending bool
}

// A PipelineReader reads pipelines, and what a project protects from them.
type PipelineReader interface {
	// ProtectedRefs returns what protects the branches and tags of a project.
	ProtectedRefs(ctx context.Context, project baton.ProjectID) ([]baton.ProtectedRef, error)
	Pipeline(ctx context.Context, id baton.PipelineID) (baton.Pipeline, error)
	// Pipelines returns pipelines, the newest ahead.
	Pipelines(ctx context.Context, f PipelineFilter, p Page) ([]baton.Pipeline, error)
	CountPipelines(ctx context.Context, f PipelineFilter, most int) (int, error)
}

// A PipelineWriter writes pipelines.
type PipelineWriter interface {
	// InsertProtectedRef is a conflict if the project protects the name already.
	InsertProtectedRef(ctx context.Context, r baton.ProtectedRef) (baton.ProtectedRefID, error)
	// UpdateProtectedRef stores the levels.
	UpdateProtectedRef(ctx context.Context, r baton.ProtectedRef) error
	DeleteProtectedRef(ctx context.Context, id baton.ProtectedRefID) error
	// InsertPipeline stores a new pipeline and returns it with its id and its
	// IID, the number after that of the project's last one.
	InsertPipeline(ctx context.Context, p baton.Pipeline) (baton.Pipeline, error)
	// UpdatePipeline stores status and times.
	UpdatePipeline(ctx context.Context, p baton.Pipeline) error
	// DeletePipeline removes the pipeline with its jobs. A runner that works on
	// one of them is told that it is gone.
	DeletePipeline(ctx context.Context, id baton.PipelineID) error
}

// A JobFilter chooses jobs; the zero value chooses all.
type JobFilter struct {
	Project  baton.ProjectID
	Pipeline baton.PipelineID
	Runner   baton.RunnerID
	Manager  baton.ManagerID
	Name     string
	// Statuses, unless empty, are those wanted.
	Statuses []baton.JobStatus
	// Retried leaves in the attempts that have a newer one.
	Retried bool
	// ReportedTo, unless nil, leaves jobs of projects in which the viewer is a
	// Reporter or more.
	ReportedTo *Viewer
	// Ascending begins with the oldest.
	Ascending bool
	// Beyond, unless 0, leaves the jobs behind this one in that order.
	Beyond baton.JobID
}

// A Worker is a manager that works on a job. Manager is 0 when it is gone.
type Worker struct {
	Runner  baton.RunnerID
	Manager baton.ManagerID
}

// A JobReader reads jobs.
type JobReader interface {
	Job(ctx context.Context, id baton.JobID) (baton.Job, error)
	// JobByToken finds the job whose runner works with the token. It does not
	// judge: the job may be over.
	JobByToken(ctx context.Context, token baton.Digest) (baton.Job, error)
	// Recipe returns what the configuration says of a job, as JSON.
	Recipe(ctx context.Context, id baton.JobID) ([]byte, error)
	// Jobs returns jobs, the newest ahead.
	Jobs(ctx context.Context, f JobFilter, p Page) ([]baton.Job, error)
	CountJobs(ctx context.Context, f JobFilter, most int) (int, error)
	// Attempts returns the jobs of a pipeline that have no newer attempt, in
	// the order of stages and ids.
	Attempts(ctx context.Context, id baton.PipelineID) ([]baton.Job, error)
	// SilentJobs returns up to most jobs that a runner works on and that gave no
	// sign of life since, the longest silent ahead.
	SilentJobs(ctx context.Context, since time.Time, most int) ([]baton.Job, error)
	// QueuedJobs returns up to most jobs that are pending since then or longer,
	// the oldest ahead.
	QueuedJobs(ctx context.Context, since time.Time, most int) ([]baton.Job, error)
	// Workers returns who of the runners works on a job, each manager once.
	Workers(ctx context.Context, runners []baton.RunnerID) ([]Worker, error)
	// NextJob returns the job that the runner, which has its tags, is to be
	// given, or NotFound. https://docs.gitlab.com/ci/runners/ has the rules:
	// its tags are all among the runner's, and there is one unless the runner
	// takes untagged jobs; a runner for protected refs takes nothing else. An
	// instance runner is given a job of the project that has the fewest on
	// instance runners; apart from that the oldest comes first.
	NextJob(ctx context.Context, r baton.Runner) (baton.Job, error)
}

// A JobWriter writes jobs.
type JobWriter interface {
	// InsertJob stores a new job in the state created and returns its id.
	InsertJob(ctx context.Context, j baton.Job, recipe []byte) (baton.JobID, error)
	// MoveJob stores the job, which was in state from before. It is CodeStale
	// if the stored job is in another state by now, and CodeInternal if the
	// step is none of [baton.JobStatus.Next]. The queue follows.
	MoveJob(ctx context.Context, from baton.JobStatus, j baton.Job) error
	// HandOut moves a pending job, as MoveJob does, to a runner that works on it
	// with the token.
	HandOut(ctx context.Context, j baton.Job, token baton.Digest) error
	// TouchJob notes a sign of life of the job's runner.
	TouchJob(ctx context.Context, id baton.JobID, at time.Time) error
	// SupersedeJob notes that a job has a newer attempt.
	SupersedeJob(ctx context.Context, id baton.JobID) error
}

// An Answer is what a request with an idempotency key was told, sealed under
// a key that only the holder of that idempotency key can derive.
type Answer struct {
	UserID baton.UserID
	// Key is the digest of the idempotency key, Request of the request.
	Key     baton.Digest
	Request baton.Digest
	Sealed  []byte
	// ExpiresAt is when the answer is forgotten.
	ExpiresAt time.Time
}

// An AnswerReader reads stored answers.
type AnswerReader interface {
	// Answer returns the stored answer, expired or not.
	Answer(ctx context.Context, user baton.UserID, key baton.Digest) (Answer, error)
}

// An AnswerWriter forgets stored answers.
type AnswerWriter interface {
	// DeleteAnswers forgets what expired at t or before and returns how many.
	DeleteAnswers(ctx context.Context, t time.Time) (int, error)
}

// An AuditFilter chooses audit events; the zero value chooses all.
type AuditFilter struct {
	// Entity, if it has a kind, leaves the events that belong to something of
	// that kind, and if it has an id too, to that thing alone.
	Entity baton.AuditEntity
	// Author, unless 0, leaves what that user did. It needs an Entity that is a
	// group or project.
	Author baton.UserID
	// The bounds of CreatedAt, both inclusive, zero for none.
	CreatedAfter, CreatedBefore time.Time
}

// An AuditReader reads the audit log.
type AuditReader interface {
	AuditEvent(ctx context.Context, id int64) (baton.AuditEvent, error)
	// AuditEvents returns events, the newest ahead: by time, then by id.
	AuditEvents(ctx context.Context, f AuditFilter, p Page) ([]baton.AuditEvent, error)
	// CountAuditEvents returns how many events there are, but counts no further
	// than most.
	CountAuditEvents(ctx context.Context, f AuditFilter, most int) (int, error)
	// AuditHead returns the end of the chain, which is stored apart from it.
	AuditHead(ctx context.Context) (baton.AuditHead, error)
	// AuditLinks returns up to most links of the chain, those after a position,
	// with their events.
	AuditLinks(ctx context.Context, after int64, most int) ([]AuditLink, error)
	// AuditWaiting tells how many events are to be sealed, and when the oldest of
	// them was written, zero if there is none. It looks at those alone, and so
	// may be asked often.
	AuditWaiting(ctx context.Context) (n int, oldest time.Time, err error)
	// AuditTail tells what is not sealed, and looks at the whole log for it.
	AuditTail(ctx context.Context) (AuditTail, error)
}

// An AuditLink is an event in the chain.
type AuditLink struct {
	// AuditHead is the head of the chain that ends with the link.
	baton.AuditHead

	// Version is that of the encoding that was hashed.
	Version int
	EventID int64
	// Event is nil when it is not there.
	Event *baton.AuditEvent
}

// An AuditTail is what is not sealed.
type AuditTail struct {
	// Waiting is how many events are to be sealed, Oldest when the oldest of
	// them was written, zero if there is none.
	Waiting int
	Oldest  time.Time
	// Gone are ids of events that were to be sealed and are not there, Stray
	// those of events that are there and are neither sealed nor to be. There
	// are none unless somebody else wrote into the database; at most ten of
	// each are told.
	Gone, Stray []int64
}

// An AuditSealer keeps the chain of audit events.
type AuditSealer interface {
	// SealAuditEvents appends up to most of the events that wait to the chain,
	// in the order of their ids, as the links that seal makes for them, and
	// returns how many. While another process does the same it does nothing, and
	// so there is one at a time; when that dies its work is undone, and somebody
	// else does it. Seal may be called more than once.
	SealAuditEvents(
		ctx context.Context, most int, seal func(baton.AuditHead, []baton.AuditEvent) []AuditLink,
	) (int, error)
	// AuditWritten receives after events were written by way of this store; not
	// for each of them.
	AuditWritten() <-chan struct{}
}

// An AuditWriter writes the audit log.
type AuditWriter interface {
	// InsertAuditEvent stores events. Their ids are given in that order.
	InsertAuditEvent(ctx context.Context, events ...baton.AuditEvent) error
}

// A KeyReader reads the proof of the secret key.
type KeyReader interface {
	// KeyProof returns what [KeyWriter.InsertKeyProof] stored under the key id.
	KeyProof(ctx context.Context, keyID string) ([]byte, error)
	// KeyIDs returns the ids of all keys that the database was used with.
	KeyIDs(ctx context.Context) ([]string, error)
}

// A KeyWriter writes the proof of the secret key: a text sealed under it, by
// which a wrong key is known at once instead of at the first unsealing.
type KeyWriter interface {
	InsertKeyProof(ctx context.Context, keyID string, proof []byte) error
}

// A RegistrationToken is what lets machines make runners of a group, a project
// or, with the zero source, the instance.
type RegistrationToken struct {
	Source baton.Source
	// Number counts the tokens that the source ever had, from 1.
	Number int
	Digest baton.Digest
	// Sealed is the token's text, sealed under the secret key.
	Sealed    []byte
	CreatedAt time.Time
}

// A RegistrationTokenReader reads registration tokens. Each source has one at
// most, and none before somebody asked for it.
type RegistrationTokenReader interface {
	// RegistrationToken returns the token of a source.
	RegistrationToken(ctx context.Context, of baton.Source) (RegistrationToken, error)
	// RegistrationTokenByDigest returns the token with the digest.
	RegistrationTokenByDigest(ctx context.Context, token baton.Digest) (RegistrationToken, error)
}

// A RegistrationTokenWriter writes registration tokens. They end with the group
// or project that they belong to.
type RegistrationTokenWriter interface {
	// SetRegistrationToken stores the token of a source in the place of the one
	// that it had.
	SetRegistrationToken(ctx context.Context, t RegistrationToken) error
}

// A SealedVariable is a CI/CD variable with its value.
type SealedVariable struct {
	baton.Variable

	// Sealed is the value, sealed under the secret key.
	Sealed []byte
}

// A VariableReader reads CI/CD variables.
type VariableReader interface {
	// Variable returns the variable of a source that has the key.
	Variable(ctx context.Context, of baton.Source, key string) (SealedVariable, error)
	// Variables returns the variables of one or more sources, by id.
	Variables(ctx context.Context, of ...baton.Source) ([]SealedVariable, error)
}

// A VariableWriter writes CI/CD variables. They end with the group or project
// that they belong to.
type VariableWriter interface {
	// InsertVariable is a conflict if the source has one with the key.
	InsertVariable(ctx context.Context, v SealedVariable) (baton.VariableID, error)
	// UpdateVariable stores all of v but Source, Key and CreatedAt.
	UpdateVariable(ctx context.Context, v SealedVariable) error
	DeleteVariable(ctx context.Context, id baton.VariableID) error
}

// A StalePolicyReader reads stale runner policies.
type StalePolicyReader interface {
	// StalePolicy returns the policy that was set for the source itself.
	StalePolicy(ctx context.Context, of baton.Source) (baton.StaleRunnerPolicy, error)
	// NearestStalePolicy returns the policy that counts for the source: its own,
	// or that of the closest group above it, or the instance's.
	NearestStalePolicy(ctx context.Context, of baton.Source) (baton.StaleRunnerPolicy, error)
	// AutomaticStalePolicies returns the policies that are automatic, the
	// instance's ahead, then those of groups and of projects by their ids.
	AutomaticStalePolicies(ctx context.Context) ([]baton.StaleRunnerPolicy, error)
}

// A StalePolicyWriter writes stale runner policies. They end with the group or
// project that they are for.
type StalePolicyWriter interface {
	// SetStalePolicy stores the policy of a source in the place of the one that
	// it had.
	SetStalePolicy(ctx context.Context, p baton.StaleRunnerPolicy) error
	DeleteStalePolicy(ctx context.Context, of baton.Source) error
}
