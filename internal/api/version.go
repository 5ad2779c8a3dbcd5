package api

import (
	"context"

	"baton.example/baton/internal/telemetry"
)

// gitlabVersion is the GitLab that Baton answers like. Clients decide by it
// what they can ask for.
const gitlabVersion = "18.11.0-ee"

// versionEntity is GitLab's description of an instance, with Baton's own
// beside it.
// https://docs.gitlab.com/api/metadata/.
type versionEntity struct {
	Version    string     `json:"version"`
	Revision   string     `json:"revision"`
	Kas        versionKas `json:"kas"`
	Enterprise bool       `json:"enterprise"`
	Baton      build      `json:"baton"`
}

// versionKas is the agent server, which Baton has none of.
type versionKas struct {
	Enabled             bool    `json:"enabled"`
	ExternalURL         *string `json:"externalUrl"`
	ExternalK8sProxyURL *string `json:"externalK8sProxyUrl"`
	Version             *string `json:"version"`
}

// build is which Baton this is.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
}

// getVersion tells the version of GitLab that this answers like, and of Baton.
//
// GET /version and GET /metadata differ no more.
func (s *Server) getVersion(context.Context, *call, struct{}) (versionEntity, error) {
	own := telemetry.Build()
	return versionEntity{
		Version: gitlabVersion, Revision: own.Revision, Enterprise: true,
		Baton: build{Version: own.Version, Revision: own.Revision},
	}, nil
}
