package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	"baton.example/baton"
)

// A settingsDocument is how [baton.Settings] are spelled in the database. A key
// that is missing, in a document that an older Baton wrote, has the default.
type settingsDocument struct {
	ValidRunnerRegistrars                []string         `json:"valid_runner_registrars"`
	AllowRunnerRegistrationToken         bool             `json:"allow_runner_registration_token"`
	RunnerTokenExpirationInterval        int              `json:"runner_token_expiration_interval"`
	GroupRunnerTokenExpirationInterval   int              `json:"group_runner_token_expiration_interval"`
	ProjectRunnerTokenExpirationInterval int              `json:"project_runner_token_expiration_interval"`
	RunnerTokenOverlap                   int              `json:"runner_token_overlap"`
	MaintainersCanCreateProjectRunners   bool             `json:"maintainers_can_create_project_runners"`
	SharedRunnersEnabled                 bool             `json:"shared_runners_enabled"`
	SharedRunnersText                    string           `json:"shared_runners_text"`
	AdminMode                            bool             `json:"admin_mode"`
	PersonalAccessTokenPrefix            string           `json:"personal_access_token_prefix"`
	RequirePersonalAccessTokenExpiry     bool             `json:"require_personal_access_token_expiry"`
	InstanceTokenPrefix                  string           `json:"instance_token_prefix"`
	UpdateRunnerVersionsEnabled          bool             `json:"update_runner_versions_enabled"`
	InactiveResourceAccessTokens         int              `json:"inactive_resource_access_tokens_delete_after_days"`
	UnauthenticatedThrottle              throttleDocument `json:"throttle_unauthenticated_api"`
	AuthenticatedThrottle                throttleDocument `json:"throttle_authenticated_api"`
}

type throttleDocument struct {
	Enabled  bool `json:"enabled"`
	Requests int  `json:"requests"`
	Period   int  `json:"period"`
}

func documentOf(s baton.Settings) settingsDocument {
	return settingsDocument{
		ValidRunnerRegistrars:                s.ValidRunnerRegistrars,
		AllowRunnerRegistrationToken:         s.AllowRunnerRegistrationToken,
		RunnerTokenExpirationInterval:        s.RunnerTokenExpirationInterval,
		GroupRunnerTokenExpirationInterval:   s.GroupRunnerTokenExpirationInterval,
		ProjectRunnerTokenExpirationInterval: s.ProjectRunnerTokenExpirationInterval,
		RunnerTokenOverlap:                   s.RunnerTokenOverlap,
		MaintainersCanCreateProjectRunners:   s.MaintainersCanCreateProjectRunners,
		SharedRunnersEnabled:                 s.SharedRunnersEnabled,
		SharedRunnersText:                    s.SharedRunnersText,
		AdminMode:                            s.AdminMode,
		PersonalAccessTokenPrefix:            s.PersonalAccessTokenPrefix,
		RequirePersonalAccessTokenExpiry:     s.RequirePersonalAccessTokenExpiry,
		InstanceTokenPrefix:                  s.InstanceTokenPrefix,
		UpdateRunnerVersionsEnabled:          s.UpdateRunnerVersionsEnabled,
		InactiveResourceAccessTokens:         s.InactiveResourceAccessTokensDeleteAfterDays,
		UnauthenticatedThrottle:              throttleDocument(s.UnauthenticatedThrottle),
		AuthenticatedThrottle:                throttleDocument(s.AuthenticatedThrottle),
	}
}

func (d *settingsDocument) settings() baton.Settings {
	return baton.Settings{
		ValidRunnerRegistrars:                d.ValidRunnerRegistrars,
		AllowRunnerRegistrationToken:         d.AllowRunnerRegistrationToken,
		RunnerTokenExpirationInterval:        d.RunnerTokenExpirationInterval,
		GroupRunnerTokenExpirationInterval:   d.GroupRunnerTokenExpirationInterval,
		ProjectRunnerTokenExpirationInterval: d.ProjectRunnerTokenExpirationInterval,
		RunnerTokenOverlap:                   d.RunnerTokenOverlap,
		MaintainersCanCreateProjectRunners:   d.MaintainersCanCreateProjectRunners,
		SharedRunnersEnabled:                 d.SharedRunnersEnabled,
		SharedRunnersText:                    d.SharedRunnersText,
		AdminMode:                            d.AdminMode,
		PersonalAccessTokenPrefix:            d.PersonalAccessTokenPrefix,
		RequirePersonalAccessTokenExpiry:     d.RequirePersonalAccessTokenExpiry,
		InstanceTokenPrefix:                  d.InstanceTokenPrefix,
		UpdateRunnerVersionsEnabled:          d.UpdateRunnerVersionsEnabled,
		UnauthenticatedThrottle:              baton.Throttle(d.UnauthenticatedThrottle),
		AuthenticatedThrottle:                baton.Throttle(d.AuthenticatedThrottle),

		InactiveResourceAccessTokensDeleteAfterDays: d.InactiveResourceAccessTokens,
	}
}

// A settingsCache keeps the last document that was read, decoded: the settings
// are part of every request and change almost never.
type settingsCache struct {
	last atomic.Pointer[decodedSettings]
}

type decodedSettings struct {
	document string
	settings baton.Settings
}

// decode returns the settings in a document; "" is the document of a database
// that never kept any.
func (c *settingsCache) decode(document string) (baton.Settings, error) {
	known := c.last.Load()
	if known == nil || known.document != document {
		d := documentOf(baton.DefaultSettings())
		if document != "" {
			if err := json.Unmarshal([]byte(document), &d); err != nil {
				return baton.Settings{}, fmt.Errorf("decode settings: %w", err)
			}
		}
		known = &decodedSettings{document, d.settings()}
		c.last.Store(known)
	}
	s := known.settings
	s.ValidRunnerRegistrars = slices.Clone(s.ValidRunnerRegistrars) // the caller may change them
	return s, nil
}

func (r reader) Settings(ctx context.Context) (baton.Settings, error) {
	var document string
	if _, err := r.value(ctx, "read settings", &document, "SELECT document FROM settings WHERE id = 1"); err != nil {
		return baton.Settings{}, err
	}
	return r.settings.decode(document)
}

func (w writer) SetSettings(ctx context.Context, s baton.Settings) error {
	if s.ValidRunnerRegistrars == nil {
		s.ValidRunnerRegistrars = []string{} // null would read as the default
	}
	document, err := json.Marshal(documentOf(s))
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	_, err = w.exec(ctx, "store settings",
		"INSERT INTO settings (id, document) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET document = excluded.document", string(document))
	return err
}
