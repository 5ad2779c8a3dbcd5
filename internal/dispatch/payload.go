package dispatch

import (
	"encoding/json"
	"net/url"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/ciconfig"
	"baton.example/baton/internal/vault"
)

// A payload is a job as gitlab-runner reads it. One value of a wrong type
// anywhere, a number in quotes or a text in place of a list, and the runner
// drops the job without a word; so the types here are the protocol.
// https://docs.gitlab.com/development/cicd/.
type payload struct {
	ID            baton.JobID  `json:"id"`
	Token         string       `json:"token"`
	AllowGitFetch bool         `json:"allow_git_fetch"`
	JobInfo       jobInfo      `json:"job_info"`
	GitInfo       gitInfo      `json:"git_info"`
	RunnerInfo    runnerInfo   `json:"runner_info"`
	Variables     []variable   `json:"variables"`
	Steps         []step       `json:"steps"`
	Image         *image       `json:"image"`
	Services      []service    `json:"services"`
	Artifacts     []artifact   `json:"artifacts"`
	Cache         []cache      `json:"cache"`
	Credentials   []credential `json:"credentials"`
	Dependencies  []dependency `json:"dependencies"`
	Features      features     `json:"features"`
}

type jobInfo struct {
	ID              baton.JobID       `json:"id"`
	Name            string            `json:"name"`
	Stage           string            `json:"stage"`
	PipelineID      baton.PipelineID  `json:"pipeline_id"`
	ProjectID       baton.ProjectID   `json:"project_id"`
	ProjectName     string            `json:"project_name"`
	ProjectFullPath string            `json:"project_full_path"`
	NamespaceID     baton.NamespaceID `json:"namespace_id"`
	RootNamespaceID baton.NamespaceID `json:"root_namespace_id"`
	OrganizationID  int               `json:"organization_id"`
	UserID          *baton.UserID     `json:"user_id"`
	ScopedUserID    *baton.UserID     `json:"scoped_user_id"`
	TimeInQueue     int               `json:"time_in_queue_seconds"`
	RunningOnShared string            `json:"project_jobs_running_on_instance_runners_count"`
	QueueSize       int               `json:"queue_size"`
	QueueDepth      int               `json:"queue_depth"`
}

type gitInfo struct {
	RepoURL          string   `json:"repo_url"`
	Ref              string   `json:"ref"`
	SHA              string   `json:"sha"`
	BeforeSHA        string   `json:"before_sha"`
	RefType          string   `json:"ref_type"`
	Protected        bool     `json:"protected"`
	Depth            int      `json:"depth"`
	RepoObjectFormat string   `json:"repo_object_format"`
	Refspecs         []string `json:"refspecs"`
}

type runnerInfo struct {
	UUID       *string `json:"uuid"`
	Timeout    int     `json:"timeout"`
	SessionURL *string `json:"runner_session_url"`
}

type variable struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Public bool   `json:"public"`
	Masked bool   `json:"masked"`
	Raw    bool   `json:"raw,omitempty"`
	File   bool   `json:"file,omitempty"`
}

type step struct {
	Name         string   `json:"name"`
	Script       []string `json:"script"`
	Timeout      int      `json:"timeout"`
	When         string   `json:"when"`
	AllowFailure bool     `json:"allow_failure"`
}

type image struct {
	Name         string                       `json:"name"`
	Entrypoint   []string                     `json:"entrypoint"`
	Ports        []struct{}                   `json:"ports"`
	ExecutorOpts map[string]map[string]string `json:"executor_opts"`
	PullPolicy   []string                     `json:"pull_policy"`
}

type service struct {
	image

	Alias     string     `json:"alias"`
	Command   []string   `json:"command"`
	Variables []variable `json:"variables"`
}

type artifact struct {
	Name      string   `json:"name,omitempty"`
	Untracked bool     `json:"untracked"`
	Paths     []string `json:"paths"`
	Exclude   []string `json:"exclude,omitempty"`
	When      string   `json:"when"`
	ExpireIn  string   `json:"expire_in,omitempty"`
	Type      string   `json:"artifact_type"`
	Format    string   `json:"artifact_format"`
}

type cache struct {
	Key          string   `json:"key"`
	Untracked    bool     `json:"untracked"`
	Paths        []string `json:"paths"`
	Policy       string   `json:"policy"`
	When         string   `json:"when"`
	FallbackKeys []string `json:"fallback_keys"`
}

// A credential lets a container executor into a registry; there is none.
type credential struct{}

// A dependency is a job whose artifacts are to be fetched; none keeps any yet.
type dependency struct{}

type features struct {
	TraceSections     bool     `json:"trace_sections"`
	TokenMaskPrefixes []string `json:"token_mask_prefixes"`
	FailureReasons    []string `json:"failure_reasons"`
}

// zeroSHA stands for no commit.
const zeroSHA = "0000000000000000000000000000000000000000"

// defaultDepth is how much of the history is fetched unless GIT_DEPTH says
// otherwise.
const defaultDepth = 20

// An assembly is everything that a payload is made from.
type assembly struct {
	job      *baton.Job
	recipe   *ciconfig.Job
	pipeline *baton.Pipeline
	project  *baton.Project
	// above is the project's namespace and those above it, the topmost last.
	above []baton.Namespace
	// secrets are the CI/CD variables, of two with one name the last counts.
	secrets []vault.Variable
	user    *baton.User
	runner  *baton.Runner
	// size is how many jobs are queued.
	size  int
	token baton.Secret
	url   *url.URL
}

// payload returns the job as it is sent.
func (a *assembly) payload() ([]byte, error) {
	return json.Marshal(&payload{
		ID: a.job.ID, Token: a.token.Reveal(), AllowGitFetch: true,
		JobInfo: a.jobInfo(), GitInfo: a.gitInfo(), RunnerInfo: runnerInfo{Timeout: a.job.Timeout},
		Variables: a.variables(), Steps: a.steps(),
		Image: imageOf(a.recipe.Image), Services: a.services(), Artifacts: a.artifacts(), Cache: a.caches(),
		Credentials: []credential{}, Dependencies: []dependency{},
		Features: features{
			TraceSections: true, TokenMaskPrefixes: []string{},
			FailureReasons: []string{
				"unknown_failure", "script_failure", "runner_system_failure", "job_execution_timeout",
				"runner_configuration_error", "runner_external_dependency_failure", "runner_interrupted", "image_pull_failure",
			},
		},
	})
}

func (a *assembly) jobInfo() jobInfo {
	info := jobInfo{
		ID: a.job.ID, Name: a.job.Name, Stage: a.job.Stage, PipelineID: a.pipeline.ID,
		ProjectID: a.project.ID, ProjectName: a.project.Name, ProjectFullPath: a.project.FullPath,
		NamespaceID: a.project.NamespaceID, RootNamespaceID: a.above[len(a.above)-1].ID, OrganizationID: 1,
		TimeInQueue: int(a.job.StartedAt.Sub(a.job.QueuedAt).Seconds()), RunningOnShared: "+Inf",
		QueueSize: a.size, QueueDepth: 1,
	}
	if a.user != nil {
		info.UserID = &a.user.ID
	}
	if a.runner.Type == baton.InstanceRunner {
		// Instance runners are given jobs of the project with the fewest
		// running, so that this count says nothing more.
		info.RunningOnShared = "0"
	}
	return info
}

func (a *assembly) gitInfo() gitInfo {
	repository := *a.url
	repository.User = url.UserPassword("gitlab-ci-token", a.token.Reveal())
	repository.Path = strings.TrimSuffix(repository.Path, "/") + "/" + a.project.FullPath + ".git"
	info := gitInfo{
		RepoURL: repository.String(), Ref: a.pipeline.Ref, SHA: a.pipeline.SHA, BeforeSHA: zeroSHA, RefType: "branch",
		Protected: a.job.Protected, Depth: defaultDepth, RepoObjectFormat: "sha1", Refspecs: []string{},
	}
	if a.pipeline.Tag {
		info.RefType = "tag"
	}
	return info
}

// steps returns the scripts. The runner runs after_script whatever became of
// the rest.
func (a *assembly) steps() []step {
	steps := []step{{
		Name: "script", Script: append(a.recipe.BeforeScript, a.recipe.Script...), Timeout: a.job.Timeout, When: "on_success",
	}}
	if len(a.recipe.AfterScript) > 0 {
		steps = append(steps, step{
			Name: "after_script", Script: a.recipe.AfterScript, Timeout: a.job.Timeout, When: "always", AllowFailure: true,
		})
	}
	return steps
}

func imageOf(from *ciconfig.Image) *image {
	if from == nil {
		return nil
	}
	i := &image{Name: from.Name, Entrypoint: from.Entrypoint, Ports: []struct{}{}, PullPolicy: from.PullPolicies, ExecutorOpts: map[string]map[string]string{}}
	if from.Docker != nil {
		i.ExecutorOpts["docker"] = from.Docker
	}
	if from.Kubernetes != nil {
		i.ExecutorOpts["kubernetes"] = from.Kubernetes
	}
	return i
}

func (a *assembly) services() []service {
	all := []service{}
	for _, from := range a.recipe.Services {
		s := service{image: *imageOf(&from.Image), Alias: from.Alias, Command: from.Command, Variables: []variable{}}
		for _, v := range from.Variables {
			s.Variables = append(s.Variables, variable{Key: v.Key, Value: v.Value, Public: true, Raw: v.Raw})
		}
		all = append(all, s)
	}
	return all
}

func (a *assembly) artifacts() []artifact {
	from := a.recipe.Artifacts
	if from == nil || len(from.Paths) == 0 {
		return []artifact{}
	}
	return []artifact{{
		Name: from.Name, Paths: from.Paths, Exclude: from.Exclude, When: string(from.When), ExpireIn: from.ExpireIn,
		Type: "archive", Format: "zip",
	}}
}

func (a *assembly) caches() []cache {
	all := []cache{}
	for _, from := range a.recipe.Caches {
		if len(from.Paths) == 0 && !from.Untracked {
			continue
		}
		key := from.Key
		if key == "" {
			key = "default"
		}
		c := cache{
			Key: a.shield(key, from.Unprotect), Untracked: from.Untracked, Paths: from.Paths,
			Policy: from.Policy, When: string(from.When), FallbackKeys: []string{},
		}
		for _, key := range from.FallbackKeys {
			c.FallbackKeys = append(c.FallbackKeys, a.shield(key, from.Unprotect))
		}
		all = append(all, c)
	}
	return all
}

// shield keeps the caches of protected refs apart from those that anybody who
// may push can write. https://docs.gitlab.com/ci/caching/#cache-key-names.
func (a *assembly) shield(key string, unprotect bool) string {
	if a.job.Protected && !unprotect {
		return key + "-protected"
	}
	return key + "-non_protected"
}
