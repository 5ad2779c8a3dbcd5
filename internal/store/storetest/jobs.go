package storetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var jobTests = []test{
	{"Pipeline/RoundTrip", func(s *suite) {
		ctx := s.Context()
		p := s.project("p", s.group("g", 0).ID)
		other := s.project("other", p.NamespaceID)
		want := s.pipeline(baton.Pipeline{ProjectID: p.ID, Ref: "v1", Tag: true, Protected: true, UserID: s.user("u").ID, SHA: "a1"})
		same(s, must(s.Pipeline(ctx, want.ID)), want)
		same(s, want.IID, 1)
		same(s, s.pipeline(baton.Pipeline{ProjectID: p.ID}).IID, 2)
		same(s, s.pipeline(baton.Pipeline{ProjectID: other.ID}).IID, 1)
		want.Status, want.UpdatedAt, want.StartedAt, want.FinishedAt = baton.PipelineSuccess, kept.Add(1), kept, kept.Add(time.Second)
		want.UpdatedAt = want.UpdatedAt.Truncate(time.Microsecond)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdatePipeline(ctx, want) })
		same(s, must(s.Pipeline(ctx, want.ID)), want)
	}},
	{"ProtectedRef/RoundTrip", func(s *suite) {
		ctx := s.Context()
		p := s.project("p", s.group("g", 0).ID)
		other := s.project("other", p.NamespaceID)
		insert := func(r baton.ProtectedRef) baton.ProtectedRef {
			given := r
			given.CreatedAt = now
			s.tx(func(ctx context.Context, tx store.Tx) (err error) {
				r.ID, err = tx.InsertProtectedRef(ctx, given)
				return err
			})
			r.CreatedAt = kept
			return r
		}
		a := insert(baton.ProtectedRef{ProjectID: p.ID, Name: "release/*", PushLevel: baton.NoAccess, MergeLevel: baton.MaintainerAccess})
		b := insert(baton.ProtectedRef{ProjectID: p.ID, Name: "release/*", Tag: true, PushLevel: baton.AdminAccess})
		c := insert(baton.ProtectedRef{ProjectID: p.ID, Name: "Release/*", PushLevel: baton.DeveloperAccess})
		d := insert(baton.ProtectedRef{ProjectID: other.ID, Name: "release/*"})
		same(s, must(s.ProtectedRefs(ctx, p.ID)), []baton.ProtectedRef{a, b, c})
		same(s, must(s.ProtectedRefs(ctx, other.ID)), []baton.ProtectedRef{d})
		same(s, must(s.ProtectedRefs(ctx, other.ID+1)), []baton.ProtectedRef{})

		s.field(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertProtectedRef(ctx, baton.ProtectedRef{ProjectID: p.ID, Name: a.Name, CreatedAt: now})
			return err
		}), "name")

		a.PushLevel, a.MergeLevel = baton.DeveloperAccess, baton.NoAccess
		changed := a
		changed.ProjectID, changed.Name, changed.Tag, changed.CreatedAt = other.ID, "x", true, kept.Add(time.Hour)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateProtectedRef(ctx, changed) })
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteProtectedRef(ctx, b.ID) })
		same(s, must(s.ProtectedRefs(ctx, p.ID)), []baton.ProtectedRef{a, c})

		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteProject(ctx, p.ID) })
		same(s, must(s.ProtectedRefs(ctx, p.ID)), []baton.ProtectedRef{})
		same(s, must(s.ProtectedRefs(ctx, other.ID)), []baton.ProtectedRef{d})
	}},
	{"ProtectedRef/Missing", func(s *suite) {
		for _, fn := range []func(ctx context.Context, tx store.Tx) error{
			func(ctx context.Context, tx store.Tx) error {
				return tx.UpdateProtectedRef(ctx, baton.ProtectedRef{ID: 1})
			},
			func(ctx context.Context, tx store.Tx) error { return tx.DeleteProtectedRef(ctx, 1) },
		} {
			s.missing(s.Tx(s.Context(), fn), "Protected ref")
		}
		s.stale(func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertProtectedRef(ctx, baton.ProtectedRef{ProjectID: 1, Name: "x", CreatedAt: now})
			return err
		})
	}},
	{"Pipeline/List", func(s *suite) {
		ctx := s.Context()
		p := s.project("p", s.group("g", 0).ID)
		u := s.user("u")
		a := s.pipeline(baton.Pipeline{ProjectID: p.ID, Ref: "a", SHA: "1"})
		b := s.pipeline(baton.Pipeline{ProjectID: p.ID, Ref: "b", SHA: "1", UserID: u.ID, Status: baton.PipelineFailed})
		s.pipeline(baton.Pipeline{ProjectID: s.project("other", p.NamespaceID).ID})
		list := func(f store.PipelineFilter) []baton.PipelineID {
			f.Project = p.ID
			same(s, must(s.CountPipelines(ctx, f, most)), len(must(s.Pipelines(ctx, f, all))))
			return ids(must(s.Pipelines(ctx, f, all)), func(p baton.Pipeline) baton.PipelineID { return p.ID })
		}
		same(s, list(store.PipelineFilter{}), []baton.PipelineID{b.ID, a.ID})
		same(s, list(store.PipelineFilter{Ascending: true}), []baton.PipelineID{a.ID, b.ID})
		same(s, list(store.PipelineFilter{Ref: "a"}), []baton.PipelineID{a.ID})
		same(s, list(store.PipelineFilter{SHA: "1", User: u.ID}), []baton.PipelineID{b.ID})
		same(s, list(store.PipelineFilter{Statuses: []baton.PipelineStatus{baton.PipelineFailed, baton.PipelineManual}}), []baton.PipelineID{b.ID})
		same(s, list(store.PipelineFilter{UpdatedAfter: kept.Add(time.Second)}), []baton.PipelineID{})
		same(s, must(s.CountPipelines(ctx, store.PipelineFilter{}, 2)), 2)
	}},
	{"Pipeline/Missing", func(s *suite) {
		_, err := s.Pipeline(s.Context(), 1)
		s.missing(err, "Pipeline")
		for _, fn := range []func(ctx context.Context, tx store.Tx) error{
			func(ctx context.Context, tx store.Tx) error { return tx.UpdatePipeline(ctx, baton.Pipeline{ID: 1}) },
			func(ctx context.Context, tx store.Tx) error { return tx.DeletePipeline(ctx, 1) },
		} {
			s.missing(s.Tx(s.Context(), fn), "Pipeline")
		}
		s.missing(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertPipeline(ctx, baton.Pipeline{ProjectID: 1})
			return err
		}), "Project")
	}},
	{"Job/RoundTrip", func(s *suite) {
		ctx := s.Context()
		p := s.pipeline(baton.Pipeline{ProjectID: s.project("p", s.group("g", 0).ID).ID})
		want := s.job(baton.Job{
			PipelineID: p.ID, ProjectID: p.ProjectID, Name: "build, all", Stage: "build", StagePosition: 1, Protected: true,
			Tags: []string{"b", "a,c", "b"}, Needs: []string{"x y", "z"}, Starts: baton.StartManual, AllowFailure: true,
		})
		want.Tags = []string{"a,c", "b"}
		same(s, must(s.Job(ctx, want.ID)), want)
		same(s, string(must(s.Recipe(ctx, want.ID))), `{"script":["x"]}`)
		free := s.job(baton.Job{PipelineID: p.ID, ProjectID: p.ProjectID, Needs: []string{}})
		same(s, must(s.Job(ctx, free.ID)).Needs, []string{})
		staged := s.job(baton.Job{PipelineID: p.ID, ProjectID: p.ProjectID})
		same(s, must(s.Job(ctx, staged.ID)).Needs, nil)
		s.move(&free, baton.JobPending)
		token := baton.DigestOf("job token")
		r := s.runner(baton.Runner{RunUntagged: true})
		free.Status, free.RunnerID, free.Shared, free.Timeout, free.TimeoutSource = baton.JobRunning, r.ID, true, 600, baton.TimeoutOfRunner
		free.StartedAt, free.UpdatedAt = kept, kept
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.HandOut(ctx, free, token) })
		same(s, must(s.JobByToken(ctx, token)), free)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.TouchJob(ctx, free.ID, now.Add(time.Minute)) })
		free.UpdatedAt = kept.Add(time.Minute)
		free.Status, free.FailureReason, free.ExitCode, free.FinishedAt, free.ErasedAt = baton.JobFailed, baton.FailedScript, new(3), kept, kept
		s.tx(func(ctx context.Context, tx store.Tx) error {
			if err := tx.MoveJob(ctx, baton.JobRunning, free); err != nil {
				return err
			}
			return tx.SupersedeJob(ctx, free.ID)
		})
		free.Retried = true
		same(s, must(s.Job(ctx, free.ID)), free)
		same(s, ids(must(s.Attempts(ctx, p.ID)), jobID), []baton.JobID{staged.ID, want.ID})
	}},
	{"Job/Missing", func(s *suite) {
		ctx := s.Context()
		_, err := s.Job(ctx, 1)
		s.missing(err, "Job")
		_, err = s.JobByToken(ctx, baton.DigestOf("x"))
		s.missing(err, "Job")
		_, err = s.Recipe(ctx, 1)
		s.missing(err, "Job")
		_, err = s.NextJob(ctx, baton.Runner{Type: baton.InstanceRunner, RunUntagged: true})
		s.missing(err, "Job")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.TouchJob(ctx, 1, now) }), "Job")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.SupersedeJob(ctx, 1) }), "Job")
	}},
	{"Job/Move", func(s *suite) {
		p := s.pipeline(baton.Pipeline{ProjectID: s.project("p", s.group("g", 0).ID).ID})
		j := s.job(baton.Job{PipelineID: p.ID, ProjectID: p.ProjectID})
		s.move(&j, baton.JobPending)
		late := j
		late.Status = baton.JobCanceled
		s.stale(func(ctx context.Context, tx store.Tx) error { return tx.MoveJob(ctx, baton.JobCreated, late) })
		late.Status = baton.JobSuccess
		s.code(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error { return tx.MoveJob(ctx, baton.JobPending, late) }), baton.CodeInternal)
	}},
	{"Job/List", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		g := s.group("g", 0)
		p := s.pipeline(baton.Pipeline{ProjectID: s.project("p", g.ID).ID})
		other := s.pipeline(baton.Pipeline{ProjectID: s.project("other", g.ID).ID})
		a := s.job(baton.Job{PipelineID: p.ID, ProjectID: p.ProjectID})
		b := s.job(baton.Job{PipelineID: p.ID, ProjectID: p.ProjectID})
		c := s.job(baton.Job{PipelineID: other.ID, ProjectID: other.ProjectID})
		s.move(&b, baton.JobSkipped)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.SupersedeJob(ctx, a.ID) })
		s.tx(func(ctx context.Context, tx store.Tx) error {
			return tx.InsertMember(ctx, baton.Member{Source: baton.Source{Project: other.ProjectID}, UserID: u.ID, AccessLevel: baton.ReporterAccess, CreatedAt: kept})
		})
		list := func(f store.JobFilter) []baton.JobID {
			same(s, must(s.CountJobs(ctx, f, most)), len(must(s.Jobs(ctx, f, all))))
			return ids(must(s.Jobs(ctx, f, all)), jobID)
		}
		same(s, list(store.JobFilter{}), []baton.JobID{c.ID, b.ID})
		same(s, list(store.JobFilter{Retried: true, Ascending: true}), []baton.JobID{a.ID, b.ID, c.ID})
		same(s, list(store.JobFilter{Retried: true, Ascending: true, Beyond: a.ID}), []baton.JobID{b.ID, c.ID})
		same(s, list(store.JobFilter{Retried: true, Beyond: b.ID}), []baton.JobID{a.ID})
		same(s, list(store.JobFilter{Project: p.ProjectID}), []baton.JobID{b.ID})
		same(s, list(store.JobFilter{Pipeline: other.ID}), []baton.JobID{c.ID})
		same(s, list(store.JobFilter{Statuses: []baton.JobStatus{baton.JobSkipped}}), []baton.JobID{b.ID})
		same(s, list(store.JobFilter{Runner: 7}), []baton.JobID{})
		same(s, list(store.JobFilter{ReportedTo: &store.Viewer{UserID: u.ID, Today: today}}), []baton.JobID{c.ID})
	}},
	{"Job/Sweeps", func(s *suite) {
		ctx := s.Context()
		p := s.pipeline(baton.Pipeline{ProjectID: s.project("p", s.group("g", 0).ID).ID})
		r := s.runner(baton.Runner{RunUntagged: true})
		var js []baton.Job
		for i := range 3 {
			j := s.job(baton.Job{PipelineID: p.ID, ProjectID: p.ProjectID})
			j.QueuedAt = now.Add(time.Duration(i) * time.Hour)
			s.move(&j, baton.JobPending)
			js = append(js, j)
		}
		same(s, ids(must(s.QueuedJobs(ctx, now.Add(time.Hour), most)), jobID), []baton.JobID{js[0].ID, js[1].ID})
		same(s, ids(must(s.QueuedJobs(ctx, now.Add(time.Hour), 1)), jobID), []baton.JobID{js[0].ID})
		for i := range 2 {
			j := js[i]
			j.Status, j.RunnerID, j.UpdatedAt = baton.JobRunning, r.ID, now.Add(-time.Duration(i)*time.Hour)
			s.tx(func(ctx context.Context, tx store.Tx) error {
				return tx.HandOut(ctx, j, baton.DigestOf(strconv.Itoa(i)))
			})
		}
		other := s.runner(baton.Runner{})
		same(s, must(s.Workers(ctx, []baton.RunnerID{other.ID, r.ID})), []store.Worker{{Runner: r.ID}})
		same(s, must(s.Workers(ctx, []baton.RunnerID{other.ID})), []store.Worker{})
		same(s, must(s.Workers(ctx, nil)), []store.Worker{})
		same(s, ids(must(s.SilentJobs(ctx, now.Add(time.Second), most)), jobID), []baton.JobID{js[1].ID, js[0].ID})
		same(s, ids(must(s.SilentJobs(ctx, now.Add(-time.Minute), most)), jobID), []baton.JobID{js[1].ID})
	}},
	{"Job/DeletePipeline", func(s *suite) {
		ctx := s.Context()
		project := s.project("p", s.group("g", 0).ID)
		project.SharedRunnersEnabled = true
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateProject(ctx, project) })
		r := s.runner(baton.Runner{RunUntagged: true})
		doomed, left := s.pipeline(baton.Pipeline{ProjectID: project.ID}), s.pipeline(baton.Pipeline{ProjectID: project.ID})
		running := s.job(baton.Job{PipelineID: doomed.ID, ProjectID: project.ID})
		first := s.job(baton.Job{PipelineID: doomed.ID, ProjectID: project.ID})
		second := s.job(baton.Job{PipelineID: left.ID, ProjectID: project.ID})
		for _, j := range []*baton.Job{&running, &first, &second} {
			s.move(j, baton.JobPending)
		}
		running.Status, running.RunnerID, running.Shared = baton.JobRunning, r.ID, true
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.HandOut(ctx, running, baton.DigestOf("t")) })
		same(s, must(s.NextJob(ctx, r)).ID, first.ID)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeletePipeline(ctx, doomed.ID) })
		same(s, must(s.NextJob(ctx, r)).ID, second.ID)
		_, err := s.JobByToken(ctx, baton.DigestOf("t"))
		s.missing(err, "Job")
	}},
	{"Job/Queue", func(s *suite) {
		rapid.Check(s.T, func(t *rapid.T) {
			m := newQueueModel(s, t)
			defer m.clear()
			m.run()
		})
	}},
}

func jobID(j baton.Job) baton.JobID { return j.ID }

// pipeline stores a pipeline and returns it as it reads.
func (s *suite) pipeline(p baton.Pipeline) baton.Pipeline {
	s.Helper()
	p.Source, p.Status = baton.SourceAPI, cmp.Or(p.Status, baton.PipelineCreated)
	p.CreatedAt, p.UpdatedAt = kept, kept
	s.tx(func(ctx context.Context, tx store.Tx) (err error) {
		p, err = tx.InsertPipeline(ctx, p)
		return err
	})
	return p
}

// job stores a job and returns it.
func (s *suite) job(j baton.Job) baton.Job {
	s.Helper()
	j.Starts = cmp.Or(j.Starts, baton.StartOnSuccess)
	j.CreatedAt, j.UpdatedAt = kept, kept
	s.tx(func(ctx context.Context, tx store.Tx) (err error) {
		j.ID, err = tx.InsertJob(ctx, j, []byte(`{"script":["x"]}`))
		return err
	})
	j.Status = baton.JobCreated
	return j
}

// move brings a job into a state.
func (s *suite) move(j *baton.Job, to baton.JobStatus) {
	s.Helper()
	from := j.Status
	j.Status = to
	s.tx(func(ctx context.Context, tx store.Tx) error { return tx.MoveJob(ctx, from, *j) })
}

// A queueModel is the queue as a list that is searched from end to end: what
// NextJob promises, without lanes. It brings random jobs, runners and projects
// through random steps, and asks both after each.
type queueModel struct {
	*suite
	t        *rapid.T
	groups   []baton.NamespaceID
	projects []baton.Project
	// above are the groups of each project, its own and those above.
	above    [][]baton.NamespaceID
	runners  []baton.Runner
	assigned map[baton.RunnerID][]baton.ProjectID
	jobs     []baton.Job
}

func newQueueModel(s *suite, t *rapid.T) *queueModel {
	m := &queueModel{suite: s, t: t, assigned: make(map[baton.RunnerID][]baton.ProjectID)}
	top, other := s.group(s.unique("top"), 0), s.group(s.unique("other"), 0)
	below := s.group("below", top.ID)
	m.groups = []baton.NamespaceID{top.ID, other.ID}
	for _, chain := range [][]baton.NamespaceID{{top.ID}, {below.ID, top.ID}, {other.ID}} {
		p := s.project("p", chain[0])
		p.SharedRunnersEnabled, p.GroupRunnersEnabled = rapid.Bool().Draw(t, "shared"), rapid.Bool().Draw(t, "grouped")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateProject(ctx, p) })
		m.projects, m.above = append(m.projects, p), append(m.above, chain)
	}
	for range rapid.IntRange(1, 4).Draw(t, "runners") {
		r := baton.Runner{
			Type:        rapid.SampledFrom([]baton.RunnerType{baton.InstanceRunner, baton.GroupRunner, baton.ProjectRunner}).Draw(t, "type"),
			RunUntagged: rapid.Bool().Draw(t, "run untagged"),
			Tags:        m.tags(),
		}
		switch r.Type {
		case baton.InstanceRunner:
		case baton.GroupRunner:
			r.GroupID = rapid.SampledFrom([]baton.NamespaceID{top.ID, below.ID}).Draw(t, "group")
		case baton.ProjectRunner:
			r.ProjectID = rapid.SampledFrom(m.projects).Draw(t, "project").ID
		}
		protected := rapid.Bool().Draw(t, "protected runner")
		r = s.runner(r)
		if protected {
			r.AccessLevel = baton.RefProtected
			s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateRunner(ctx, r) })
		}
		if r.Type == baton.ProjectRunner {
			m.assigned[r.ID] = []baton.ProjectID{r.ProjectID}
		}
		m.runners = append(m.runners, r)
	}
	return m
}

// clear removes everything, so that nothing waits for the next model.
func (m *queueModel) clear() {
	m.tx(func(ctx context.Context, tx store.Tx) error {
		for _, g := range m.groups {
			if err := tx.DeleteNamespace(ctx, g); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *queueModel) tags() []string {
	return rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"a", "b"}}).Draw(m.t, "tags")
}

func (m *queueModel) run() {
	for range rapid.IntRange(1, 15).Draw(m.t, "steps") {
		switch step := rapid.SampledFrom([]string{"queue", "queue", "hand out", "hand out", "end", "cancel", "settings"}).Draw(m.t, "step"); step {
		case "queue":
			m.queue()
		case "hand out":
			m.handOut(rapid.SampledFrom(m.runners).Draw(m.t, "runner"))
		case "end":
			m.step(baton.JobRunning, baton.JobSuccess)
		case "cancel":
			m.step(baton.JobPending, baton.JobCanceled)
		case "settings":
			m.settings()
		}
		for _, r := range m.runners {
			m.compare(r)
		}
	}
}

func (m *queueModel) queue() {
	i := rapid.IntRange(0, len(m.projects)-1).Draw(m.t, "of project")
	p := m.pipeline(baton.Pipeline{ProjectID: m.projects[i].ID})
	j := m.job(baton.Job{PipelineID: p.ID, ProjectID: p.ProjectID, Tags: m.tags(), Protected: rapid.Bool().Draw(m.t, "protected")})
	m.move(&j, baton.JobPending)
	m.jobs = append(m.jobs, j)
}

// handOut gives the runner its next job, if there is one.
func (m *queueModel) handOut(r baton.Runner) {
	i, found := m.next(r)
	if !found {
		return
	}
	j := &m.jobs[i]
	j.Status, j.RunnerID, j.Shared = baton.JobRunning, r.ID, r.Type == baton.InstanceRunner
	m.tx(func(ctx context.Context, tx store.Tx) error {
		return tx.HandOut(ctx, *j, baton.DigestOf(m.unique("job")))
	})
}

// step moves one of the jobs in a state, if there is one.
func (m *queueModel) step(from, to baton.JobStatus) {
	var in []int
	for i, j := range m.jobs {
		if j.Status == from {
			in = append(in, i)
		}
	}
	if len(in) > 0 {
		m.move(&m.jobs[rapid.SampledFrom(in).Draw(m.t, "job")], to)
	}
}

// settings changes which runners a project lets in.
func (m *queueModel) settings() {
	p := &m.projects[rapid.IntRange(0, len(m.projects)-1).Draw(m.t, "change project")]
	p.SharedRunnersEnabled, p.GroupRunnersEnabled = rapid.Bool().Draw(m.t, "shared"), rapid.Bool().Draw(m.t, "grouped")
	m.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateProject(ctx, *p) })
}

// next returns the job that the rules give to the runner.
func (m *queueModel) next(r baton.Runner) (job int, found bool) {
	busy := make(map[baton.ProjectID]int)
	for _, j := range m.jobs {
		if j.Status == baton.JobRunning && j.Shared {
			busy[j.ProjectID]++
		}
	}
	var fit []int
	for i, j := range m.jobs {
		if j.Status == baton.JobPending && r.Serves(j.Tags) && (j.Protected || r.AccessLevel == baton.NotProtected) && m.letsIn(j.ProjectID, r) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return 0, false
	}
	return slices.MinFunc(fit, func(a, b int) int {
		fair := 0
		if r.Type == baton.InstanceRunner {
			fair = cmp.Compare(busy[m.jobs[a].ProjectID], busy[m.jobs[b].ProjectID])
		}
		return cmp.Or(fair, cmp.Compare(m.jobs[a].ID, m.jobs[b].ID))
	}), true
}

func (m *queueModel) letsIn(id baton.ProjectID, r baton.Runner) bool {
	i := slices.IndexFunc(m.projects, func(p baton.Project) bool { return p.ID == id })
	switch r.Type {
	case baton.InstanceRunner:
		return m.projects[i].SharedRunnersEnabled
	case baton.GroupRunner:
		return m.projects[i].GroupRunnersEnabled && slices.Contains(m.above[i], r.GroupID)
	case baton.ProjectRunner:
		return slices.Contains(m.assigned[r.ID], id)
	}
	return false
}

func (m *queueModel) compare(r baton.Runner) {
	i, found := m.next(r)
	got, err := m.NextJob(m.Context(), r)
	switch {
	case baton.IsNotFound(err):
		if found {
			m.t.Fatalf("runner %d is given nothing, want job %d", r.ID, m.jobs[i].ID)
		}
	case err != nil:
		m.t.Fatal(err)
	case !found || got.ID != m.jobs[i].ID:
		m.t.Fatalf("runner %d is given job %d, want %v (there is one: %t)", r.ID, got.ID, i, found)
	}
}
