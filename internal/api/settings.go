package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
)

// settingsEntity is the application settings, those that do something here.
type settingsEntity struct {
	ValidRunnerRegistrars                []string `json:"valid_runner_registrars"`
	AllowRunnerRegistrationToken         bool     `json:"allow_runner_registration_token"`
	RunnerTokenExpirationInterval        *int     `json:"runner_token_expiration_interval"`
	GroupRunnerTokenExpirationInterval   *int     `json:"group_runner_token_expiration_interval"`
	ProjectRunnerTokenExpirationInterval *int     `json:"project_runner_token_expiration_interval"`
	RunnerTokenOverlap                   int      `json:"runner_token_overlap"` // Baton's own
	MaintainersCanCreateProjectRunners   bool     `json:"maintainers_can_create_project_runners"`
	SharedRunnersEnabled                 bool     `json:"shared_runners_enabled"`
	SharedRunnersText                    *string  `json:"shared_runners_text"`
	AdminMode                            bool     `json:"admin_mode"`
	PersonalAccessTokenPrefix            string   `json:"personal_access_token_prefix"`
	RequirePersonalAccessTokenExpiry     bool     `json:"require_personal_access_token_expiry"`
	InstanceTokenPrefix                  string   `json:"instance_token_prefix"`
	UpdateRunnerVersionsEnabled          bool     `json:"update_runner_versions_enabled"`
	InactiveResourceAccessTokens         *int     `json:"inactive_resource_access_tokens_delete_after_days"`

	UnauthenticatedEnabled  bool `json:"throttle_unauthenticated_api_enabled"`
	UnauthenticatedRequests int  `json:"throttle_unauthenticated_api_requests_per_period"`
	UnauthenticatedPeriod   int  `json:"throttle_unauthenticated_api_period_in_seconds"`
	AuthenticatedEnabled    bool `json:"throttle_authenticated_api_enabled"`
	AuthenticatedRequests   int  `json:"throttle_authenticated_api_requests_per_period"`
	AuthenticatedPeriod     int  `json:"throttle_authenticated_api_period_in_seconds"`
}

func newSettingsEntity(s *baton.Settings) settingsEntity {
	e := settingsEntity{
		ValidRunnerRegistrars:                s.ValidRunnerRegistrars,
		AllowRunnerRegistrationToken:         s.AllowRunnerRegistrationToken,
		RunnerTokenExpirationInterval:        orNull(s.RunnerTokenExpirationInterval),
		GroupRunnerTokenExpirationInterval:   orNull(s.GroupRunnerTokenExpirationInterval),
		ProjectRunnerTokenExpirationInterval: orNull(s.ProjectRunnerTokenExpirationInterval),
		RunnerTokenOverlap:                   s.RunnerTokenOverlap,
		MaintainersCanCreateProjectRunners:   s.MaintainersCanCreateProjectRunners,
		SharedRunnersEnabled:                 s.SharedRunnersEnabled,
		SharedRunnersText:                    orNull(s.SharedRunnersText),
		AdminMode:                            s.AdminMode,
		PersonalAccessTokenPrefix:            s.PersonalAccessTokenPrefix,
		RequirePersonalAccessTokenExpiry:     s.RequirePersonalAccessTokenExpiry,
		InstanceTokenPrefix:                  s.InstanceTokenPrefix,
		UpdateRunnerVersionsEnabled:          s.UpdateRunnerVersionsEnabled,
		InactiveResourceAccessTokens:         orNull(s.InactiveResourceAccessTokensDeleteAfterDays),
		UnauthenticatedEnabled:               s.UnauthenticatedThrottle.Enabled,
		UnauthenticatedRequests:              s.UnauthenticatedThrottle.Requests,
		UnauthenticatedPeriod:                s.UnauthenticatedThrottle.Period,
		AuthenticatedEnabled:                 s.AuthenticatedThrottle.Enabled,
		AuthenticatedRequests:                s.AuthenticatedThrottle.Requests,
		AuthenticatedPeriod:                  s.AuthenticatedThrottle.Period,
	}
	if e.ValidRunnerRegistrars == nil {
		e.ValidRunnerRegistrars = []string{}
	}
	return e
}

// getSettings shows the application settings, to administrators.
// https://docs.gitlab.com/api/settings/#retrieve-application-settings.
func (s *Server) getSettings(ctx context.Context, c *call, _ struct{}) (settingsEntity, error) {
	settings, err := s.Directory.Settings(ctx, c.actor)
	if err != nil {
		return settingsEntity{}, err
	}
	return newSettingsEntity(&settings), nil
}

// updateSettingsParams are what PUT /application/settings takes.
// https://docs.gitlab.com/api/settings/#update-application-settings.
type updateSettingsParams struct {
	ValidRunnerRegistrars                grape.Opt[[]string] `param:"valid_runner_registrars" doc:"Where users may create runners: project, group, both, or neither."`
	AllowRunnerRegistrationToken         grape.Opt[bool]     `param:"allow_runner_registration_token" doc:"Whether registration tokens work; a group without a parent may say no for itself."`
	RunnerTokenExpirationInterval        grape.Opt[int]      `param:"runner_token_expiration_interval" doc:"Life of instance runners' tokens in seconds, at least 7200; null for no limit."`
	GroupRunnerTokenExpirationInterval   grape.Opt[int]      `param:"group_runner_token_expiration_interval" doc:"The same for group runners."`
	ProjectRunnerTokenExpirationInterval grape.Opt[int]      `param:"project_runner_token_expiration_interval" doc:"The same for project runners."`
	RunnerTokenOverlap                   grape.Opt[int]      `param:"runner_token_overlap" doc:"How many seconds a runner's token works on after it was replaced; 0, as in GitLab, for none."`
	MaintainersCanCreateProjectRunners   grape.Opt[bool]     `param:"maintainers_can_create_project_runners" doc:"Baton's own: whether project Maintainers may create project runners."`
	SharedRunnersEnabled                 grape.Opt[bool]     `param:"shared_runners_enabled" doc:"Whether instance runners serve new projects; needs shared_runners_text."`
	SharedRunnersText                    grape.Opt[string]   `param:"shared_runners_text" doc:"What people are told about the instance runners."`
	AdminMode                            grape.Opt[bool]     `param:"admin_mode" doc:"Whether administrators need the scope admin_mode."`
	PersonalAccessTokenPrefix            grape.Opt[string]   `param:"personal_access_token_prefix" doc:"The beginning of new personal access tokens."`
	RequirePersonalAccessTokenExpiry     grape.Opt[bool]     `param:"require_personal_access_token_expiry" doc:"Whether new personal access tokens must expire."`
	InstanceTokenPrefix                  grape.Opt[string]   `param:"instance_token_prefix" doc:"Kept, and without effect."`
	UpdateRunnerVersionsEnabled          grape.Opt[bool]     `param:"update_runner_versions_enabled" doc:"Whether versions of gitlab-runner are looked up."`
	InactiveResourceAccessTokens         grape.Opt[int]      `param:"inactive_resource_access_tokens_delete_after_days" doc:"How many days a bot of a group or project is kept after its last token ended; null for ever."`

	UnauthenticatedEnabled  grape.Opt[bool] `param:"throttle_unauthenticated_api_enabled" doc:"Whether requests without a token are limited per address."`
	UnauthenticatedRequests grape.Opt[int]  `param:"throttle_unauthenticated_api_requests_per_period" doc:"To how many."`
	UnauthenticatedPeriod   grape.Opt[int]  `param:"throttle_unauthenticated_api_period_in_seconds" doc:"In how many seconds."`
	AuthenticatedEnabled    grape.Opt[bool] `param:"throttle_authenticated_api_enabled" doc:"Whether requests with a token are limited per user."`
	AuthenticatedRequests   grape.Opt[int]  `param:"throttle_authenticated_api_requests_per_period" doc:"To how many."`
	AuthenticatedPeriod     grape.Opt[int]  `param:"throttle_authenticated_api_period_in_seconds" doc:"In how many seconds."`

	_ struct{} `at_least_one:"valid_runner_registrars,allow_runner_registration_token,runner_token_expiration_interval,group_runner_token_expiration_interval,project_runner_token_expiration_interval,runner_token_overlap,maintainers_can_create_project_runners,shared_runners_enabled,shared_runners_text,admin_mode,personal_access_token_prefix,require_personal_access_token_expiry,instance_token_prefix,update_runner_versions_enabled,inactive_resource_access_tokens_delete_after_days,throttle_unauthenticated_api_enabled,throttle_unauthenticated_api_requests_per_period,throttle_unauthenticated_api_period_in_seconds,throttle_authenticated_api_enabled,throttle_authenticated_api_requests_per_period,throttle_authenticated_api_period_in_seconds"`
}

func (in *updateSettingsParams) change() directory.SettingsChange {
	return directory.SettingsChange{
		ValidRunnerRegistrars:                cleared(in.ValidRunnerRegistrars),
		AllowRunnerRegistrationToken:         given(in.AllowRunnerRegistrationToken),
		RunnerTokenExpirationInterval:        interval(in.RunnerTokenExpirationInterval),
		GroupRunnerTokenExpirationInterval:   interval(in.GroupRunnerTokenExpirationInterval),
		ProjectRunnerTokenExpirationInterval: interval(in.ProjectRunnerTokenExpirationInterval),
		RunnerTokenOverlap:                   interval(in.RunnerTokenOverlap),
		MaintainersCanCreateProjectRunners:   given(in.MaintainersCanCreateProjectRunners),
		SharedRunnersEnabled:                 given(in.SharedRunnersEnabled),
		SharedRunnersText:                    cleared(in.SharedRunnersText),
		AdminMode:                            given(in.AdminMode),
		PersonalAccessTokenPrefix:            cleared(in.PersonalAccessTokenPrefix),
		RequirePersonalAccessTokenExpiry:     given(in.RequirePersonalAccessTokenExpiry),
		InstanceTokenPrefix:                  cleared(in.InstanceTokenPrefix),
		UpdateRunnerVersionsEnabled:          given(in.UpdateRunnerVersionsEnabled),

		InactiveResourceAccessTokensDeleteAfterDays: cleared(in.InactiveResourceAccessTokens),

		UnauthenticatedThrottle: directory.ThrottleChange{
			Enabled:  given(in.UnauthenticatedEnabled),
			Requests: given(in.UnauthenticatedRequests),
			Period:   given(in.UnauthenticatedPeriod),
		},
		AuthenticatedThrottle: directory.ThrottleChange{
			Enabled:  given(in.AuthenticatedEnabled),
			Requests: given(in.AuthenticatedRequests),
			Period:   given(in.AuthenticatedPeriod),
		},
	}
}

// updateSettings changes the application settings that are given.
func (s *Server) updateSettings(ctx context.Context, c *call, in updateSettingsParams) (settingsEntity, error) {
	// Who enables instance runners is asked for the text that goes with them,
	// in the way of a required parameter.
	if in.SharedRunnersEnabled.Or(false) && !in.SharedRunnersText.Given() {
		return settingsEntity{}, &grape.ValidationError{Messages: []string{"shared_runners_text is missing"}}
	}
	settings, err := s.Directory.UpdateSettings(ctx, c.actor, in.change())
	if err != nil {
		return settingsEntity{}, err
	}
	return newSettingsEntity(&settings), nil
}
