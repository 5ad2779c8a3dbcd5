package runnerclient

// The version that this package behaves as.
const (
	version   = "19.4.0"
	userAgent = "gitlab-runner " + version + " (19-4-stable; go1.25.7; linux/amd64)"
)

// Info is what the program says of itself.
type Info struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Revision     string            `json:"revision"`
	Platform     string            `json:"platform"`
	Architecture string            `json:"architecture"`
	Executor     string            `json:"executor,omitempty"`
	Shell        string            `json:"shell,omitempty"`
	Features     Features          `json:"features"`
	Config       InfoConfig        `json:"config"`
	Labels       map[string]string `json:"labels,omitempty"`
}

// InfoConfig is the part of the configuration that the server is told.
type InfoConfig struct {
	GPUs string `json:"gpus"`
}

// Features are what the program and its executor can do.
type Features struct {
	Variables               bool `json:"variables"`
	Image                   bool `json:"image"`
	Services                bool `json:"services"`
	Artifacts               bool `json:"artifacts"`
	Cache                   bool `json:"cache"`
	FallbackCacheKeys       bool `json:"fallback_cache_keys"`
	Shared                  bool `json:"shared"`
	UploadMultipleArtifacts bool `json:"upload_multiple_artifacts"`
	UploadRawArtifacts      bool `json:"upload_raw_artifacts"`
	Session                 bool `json:"session"`
	Terminal                bool `json:"terminal"`
	Refspecs                bool `json:"refspecs"`
	Masking                 bool `json:"masking"`
	Proxy                   bool `json:"proxy"`
	RawVariables            bool `json:"raw_variables"`
	ArtifactsExclude        bool `json:"artifacts_exclude"`
	MultiBuildSteps         bool `json:"multi_build_steps"`
	TraceReset              bool `json:"trace_reset"`
	TraceChecksum           bool `json:"trace_checksum"`
	TraceSize               bool `json:"trace_size"`
	VaultSecrets            bool `json:"vault_secrets"`
	Cancelable              bool `json:"cancelable"`
	ReturnExitCode          bool `json:"return_exit_code"`
	ServiceVariables        bool `json:"service_variables"`
	ServiceMultipleAliases  bool `json:"service_multiple_aliases"`
	ImageExecutorOpts       bool `json:"image_executor_opts"`
	ServiceExecutorOpts     bool `json:"service_executor_opts"`
	CancelGracefully        bool `json:"cancel_gracefully"`
	NativeStepsIntegration  bool `json:"native_steps_integration"`
	TwoPhaseJobCommit       bool `json:"two_phase_job_commit"`
	JobInputs               bool `json:"job_inputs"`
}

// ShellInfo returns what the program says of itself on Linux with the shell
// executor.
func ShellInfo() Info {
	return Info{
		Name: "gitlab-runner", Version: version, Revision: "d79f3e7b", Platform: "linux", Architecture: "amd64",
		Executor: "shell", Shell: "bash",
		Features: Features{
			Variables: true, Artifacts: true, Cache: true, FallbackCacheKeys: true, Shared: true,
			UploadMultipleArtifacts: true, UploadRawArtifacts: true, Session: true, Terminal: true, Refspecs: true,
			Masking: true, RawVariables: true, ArtifactsExclude: true, MultiBuildSteps: true, TraceReset: true,
			TraceChecksum: true, TraceSize: true, VaultSecrets: true, Cancelable: true, ReturnExitCode: true,
			CancelGracefully: true, NativeStepsIntegration: true, TwoPhaseJobCommit: true, JobInputs: true,
		},
	}
}
