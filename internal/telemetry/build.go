package telemetry

import (
	"runtime"
	"runtime/debug"
)

// version is set when a release is built, with
// -ldflags "-X baton.example/baton/internal/telemetry.version=1.2.3".
var version = "0.1.0-dev"

// A BuildInfo says which Baton this is.
type BuildInfo struct {
	// Version is Baton's own version, such as 1.2.3.
	Version string
	// Revision is the commit that was built, "unknown" when the build did not
	// record it, with "-dirty" when files were changed.
	Revision string
	// Go is the version of the Go toolchain.
	Go string
}

// Build returns the build information of the running program.
func Build() BuildInfo {
	b := BuildInfo{Version: version, Revision: "unknown", Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Revision = revision(info.Settings)
	}
	return b
}

func revision(settings []debug.BuildSetting) string {
	values := make(map[string]string, len(settings))
	for _, s := range settings {
		values[s.Key] = s.Value
	}
	switch rev := values["vcs.revision"]; {
	case rev == "":
		return "unknown"
	case values["vcs.modified"] == "true":
		return rev + "-dirty"
	default:
		return rev
	}
}
