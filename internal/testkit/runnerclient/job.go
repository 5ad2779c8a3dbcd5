package runnerclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// A Job is what a runner is handed: the payload of POST /jobs/request. Fields
// that the program does not know are ignored. Null is the zero value, but for
// the fields that say otherwise.
type Job struct {
	ID            int64          `json:"id"`
	Token         string         `json:"token"`
	AllowGitFetch bool           `json:"allow_git_fetch"`
	JobInfo       JobInfo        `json:"job_info"`
	GitInfo       GitInfo        `json:"git_info"`
	RunnerInfo    JobRunnerInfo  `json:"runner_info"`
	Inputs        []Input        `json:"inputs"`
	Variables     []Variable     `json:"variables"`
	Steps         []Step         `json:"steps"`
	Hooks         []Hook         `json:"hooks"`
	Image         Image          `json:"image"`
	Services      []Image        `json:"services"`
	Artifacts     []Artifact     `json:"artifacts"`
	Cache         []Cache        `json:"cache"`
	Credentials   []Credential   `json:"credentials"`
	Dependencies  []Dependency   `json:"dependencies"`
	Features      JobFeatures    `json:"features"`
	PolicyOptions PolicyOptions  `json:"policy_options"`
	Secrets       map[string]any `json:"secrets"`
	// Run, unless it is nil, is a list of steps instead of a script.
	Run Run `json:"run"`
}

// JobInfo says which job it is.
type JobInfo struct {
	Name               string  `json:"name"`
	Stage              string  `json:"stage"`
	PipelineID         int64   `json:"pipeline_id"`
	ProjectID          int64   `json:"project_id"`
	ProjectName        string  `json:"project_name"`
	ProjectFullPath    string  `json:"project_full_path"`
	NamespaceID        int64   `json:"namespace_id"`
	RootNamespaceID    int64   `json:"root_namespace_id"`
	OrganizationID     int64   `json:"organization_id"`
	InstanceID         string  `json:"instance_id"`
	InstanceUUID       string  `json:"instance_uuid"`
	UserID             int64   `json:"user_id"`
	ScopedUserID       *int64  `json:"scoped_user_id"`
	TimeInQueueSeconds float64 `json:"time_in_queue_seconds"`
	// RunningOnInstance is "0", "5+" or "+Inf".
	RunningOnInstance string `json:"project_jobs_running_on_instance_runners_count"`
	QueueSize         int64  `json:"queue_size"`
	QueueDepth        int64  `json:"queue_depth"`
}

// GitInfo says what is fetched.
type GitInfo struct {
	RepoURL          string   `json:"repo_url"`
	Ref              string   `json:"ref"`
	Sha              string   `json:"sha"`
	BeforeSha        string   `json:"before_sha"`
	RefType          string   `json:"ref_type"`
	Protected        *bool    `json:"protected"`
	Depth            int      `json:"depth"`
	RepoObjectFormat string   `json:"repo_object_format"`
	Refspecs         []string `json:"refspecs"`
}

// JobRunnerInfo says how long the job may take, in seconds; 0 or less stands
// for two hours.
type JobRunnerInfo struct {
	Timeout int `json:"timeout"`
}

// An Input is a value that the pipeline was given for the job.
type Input struct {
	Key   string     `json:"key"`
	Value InputValue `json:"value"`
}

// An InputValue has content of the type that it announces.
type InputValue struct {
	Type      string          `json:"type"`
	Content   json.RawMessage `json:"content"`
	Sensitive bool            `json:"sensitive"`
}

// A Variable of the job. Of several with one key the last counts.
type Variable struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Public bool   `json:"public"`
	Masked bool   `json:"masked"`
	Raw    bool   `json:"raw"`
	File   bool   `json:"file"`
}

// A Step is a list of lines to run.
type Step struct {
	Name         string   `json:"name"`
	Script       []string `json:"script"`
	Timeout      int      `json:"timeout"`
	When         string   `json:"when"`
	AllowFailure bool     `json:"allow_failure"`
}

// A Hook is run around the fetching of sources.
type Hook struct {
	Name   string   `json:"name"`
	Script []string `json:"script"`
}

// An Image is a container's, of the job or of a service.
type Image struct {
	Name         string       `json:"name"`
	Alias        string       `json:"alias"`
	Entrypoint   []string     `json:"entrypoint"`
	Command      []string     `json:"command"`
	Ports        []Port       `json:"ports"`
	Variables    []Variable   `json:"variables"`
	PullPolicy   []string     `json:"pull_policy"`
	ExecutorOpts ExecutorOpts `json:"executor_opts"`
}

// A Port of a container.
type Port struct {
	Number   int    `json:"number"`
	Protocol string `json:"protocol"`
	Name     string `json:"name"`
}

// ExecutorOpts are the options of container executors.
type ExecutorOpts struct {
	Docker struct {
		Platform string `json:"platform"`
		User     string `json:"user"`
	} `json:"docker"`
	Kubernetes struct {
		User string `json:"user"`
	} `json:"kubernetes"`
}

// An Artifact is one upload at the end of the job.
type Artifact struct {
	Name      string   `json:"name"`
	Untracked bool     `json:"untracked"`
	Paths     []string `json:"paths"`
	Exclude   []string `json:"exclude"`
	When      string   `json:"when"`
	ExpireIn  string   `json:"expire_in"`
	Type      string   `json:"artifact_type"`
	Format    string   `json:"artifact_format"`
}

// A Cache is kept between jobs, without the server.
type Cache struct {
	Key          string   `json:"key"`
	Untracked    bool     `json:"untracked"`
	Paths        []string `json:"paths"`
	Policy       string   `json:"policy"`
	When         string   `json:"when"`
	FallbackKeys []string `json:"fallback_keys"`
}

// A Credential opens a registry.
type Credential struct {
	Type     string `json:"type"`
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// A Dependency is a job whose artifacts are downloaded first, if it has any.
type Dependency struct {
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	Token         string `json:"token"`
	ArtifactsFile struct {
		Filename string `json:"filename"`
		Size     int64  `json:"size"`
	} `json:"artifacts_file"`
}

// JobFeatures are what the server can do.
type JobFeatures struct {
	TraceSections     bool     `json:"trace_sections"`
	TokenMaskPrefixes []string `json:"token_mask_prefixes"`
	FailureReasons    []string `json:"failure_reasons"`
}

// PolicyOptions say whether a policy made the job.
type PolicyOptions struct {
	ExecutionPolicyJob bool   `json:"execution_policy_job"`
	PolicyName         string `json:"policy_name"`
}

// A Run is a list of steps. In the payload it is absent, or a text that holds
// the list; null, an empty text and the list itself are all errors.
type Run []json.RawMessage

// A Rule is one of those that a payload is held to.
type Rule string

// The rules. Breaking any of them, anywhere, loses the job.
const (
	RuleJSON    Rule = "the payload is a JSON object"
	RuleInteger Rule = "an integer is a JSON integer: not a text, and without a fraction"
	RuleNumber  Rule = "a number is a JSON number"
	RuleString  Rule = "a text is a JSON string"
	RuleBoolean Rule = "a flag is true or false"
	RuleList    Rule = "a list is a JSON array, also if it has one element"
	RuleObject  Rule = "a group of fields is a JSON object"
	RuleRun     Rule = "run is absent, or a string that holds a JSON array"
	RuleInput   Rule = "an input has a key, and content of the type that it announces"
)

// A JobError says which rule a payload breaks and where.
type JobError struct {
	Rule Rule
	// Field is the path of the field, without the indexes of lists.
	Field string
	Cause error
}

// Error implements error.
func (e *JobError) Error() string {
	text := "job payload: "
	if e.Field != "" {
		text += e.Field + ": "
	}
	text += string(e.Rule)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *JobError) Unwrap() error { return e.Cause }

// DecodeJob reads a payload. The error is a [JobError].
func DecodeJob(payload []byte) (*Job, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(payload, " \t\r\n"), []byte("{")) {
		return nil, &JobError{Rule: RuleJSON}
	}
	j := new(Job)
	err := json.Unmarshal(payload, j)
	if err == nil {
		return j, nil
	}
	if e, ok := errors.AsType[*JobError](err); ok {
		return nil, e
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, &JobError{Rule: ruleOf(e.Type), Field: e.Field, Cause: e}
	}
	return nil, &JobError{Rule: RuleJSON, Cause: err}
}

// ruleOf returns the rule of fields of a type.
func ruleOf(t reflect.Type) Rule {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return RuleInteger
	case reflect.Float64:
		return RuleNumber
	case reflect.String:
		return RuleString
	case reflect.Bool:
		return RuleBoolean
	case reflect.Slice:
		return RuleList
	default:
		return RuleObject
	}
}

// UnmarshalJSON implements [json.Unmarshaler]. It is called for null as well.
func (r *Run) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return &JobError{Rule: RuleRun, Field: "run", Cause: err}
	}
	steps := []json.RawMessage{}
	if err := json.Unmarshal([]byte(*text), &steps); err != nil || steps == nil {
		return &JobError{Rule: RuleRun, Field: "run", Cause: err}
	}
	*r = steps
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (i *Input) UnmarshalJSON(raw []byte) error {
	type plain Input // without this method
	if err := json.Unmarshal(raw, (*plain)(i)); err != nil {
		return &JobError{Rule: RuleInput, Field: "inputs", Cause: err}
	}
	if i.Key == "" {
		return &JobError{Rule: RuleInput, Field: "inputs", Cause: errors.New("the key is missing")}
	}
	if is := typeOf(i.Value.Content); is != i.Value.Type {
		return &JobError{Rule: RuleInput, Field: "inputs", Cause: fmt.Errorf("%s is %s, and not %s", i.Key, is, i.Value.Type)}
	}
	return nil
}

// typeOf returns the type of a JSON value by its first character, in the words
// of inputs.
func typeOf(value json.RawMessage) string {
	if len(value) == 0 {
		return "missing"
	}
	switch value[0] {
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case '[':
		return "array"
	case '{':
		return "object"
	case 'n':
		return "null"
	default:
		return "number"
	}
}
