package directory

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A SettingsChange is what to change of the application settings; nil leaves
// a setting as it is.
type SettingsChange struct {
	// ValidRunnerRegistrars, unless nil, are the kinds; empty is none.
	ValidRunnerRegistrars        *[]string
	AllowRunnerRegistrationToken *bool

	RunnerTokenExpirationInterval        *Interval
	GroupRunnerTokenExpirationInterval   *Interval
	ProjectRunnerTokenExpirationInterval *Interval
	RunnerTokenOverlap                   *Interval

	MaintainersCanCreateProjectRunners *bool
	SharedRunnersEnabled               *bool
	SharedRunnersText                  *string
	AdminMode                          *bool
	PersonalAccessTokenPrefix          *string
	RequirePersonalAccessTokenExpiry   *bool
	InstanceTokenPrefix                *string
	UpdateRunnerVersionsEnabled        *bool
	// InactiveResourceAccessTokensDeleteAfterDays, if 0, keeps them for ever.
	InactiveResourceAccessTokensDeleteAfterDays *int

	UnauthenticatedThrottle ThrottleChange
	AuthenticatedThrottle   ThrottleChange
}

// A ThrottleChange is what to change of a [baton.Throttle].
type ThrottleChange struct {
	Enabled          *bool
	Requests, Period *int
}

// Settings returns the application settings to an administrator.
// https://docs.gitlab.com/api/settings/#get-details-on-current-application-settings.
func (d *Directory) Settings(ctx context.Context, a *access.Actor) (baton.Settings, error) {
	if !a.Admin {
		return baton.Settings{}, baton.Denied("")
	}
	return d.store.Settings(ctx)
}

// UpdateSettings changes the application settings for an administrator and
// returns all of them.
// https://docs.gitlab.com/api/settings/#update-application-settings.
func (d *Directory) UpdateSettings(ctx context.Context, a *access.Actor, c SettingsChange) (baton.Settings, error) {
	if !a.Admin {
		return baton.Settings{}, baton.Denied("")
	}
	var s baton.Settings
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		var err error
		if s, err = tx.Settings(ctx); err != nil {
			return err
		}
		was := s
		if err := c.apply(&s); err != nil {
			return err
		}
		if err := tx.SetSettings(ctx, s); err != nil {
			return err
		}
		return tell(ctx, tx, audit.Updates(settingAttributes, &was, &s, aboutSettings(a.Author()).changed)...)
	})
	if err != nil {
		return baton.Settings{}, fmt.Errorf("update settings: %w", err)
	}
	return s, nil
}

// maxTokenPrefix is the length limit of token prefixes.
const maxTokenPrefix = 20

var tokenPrefixForm = regexp.MustCompile(`^[a-zA-Z0-9_+=/@:.-]*$`)

func (c *SettingsChange) apply(s *baton.Settings) error {
	var p problems
	set(&s.ValidRunnerRegistrars, c.ValidRunnerRegistrars)
	p.registrars(s.ValidRunnerRegistrars)
	set(&s.AllowRunnerRegistrationToken, c.AllowRunnerRegistrationToken)

	const least = baton.MinRunnerTokenExpirationInterval
	p.setInterval("runner_token_expiration_interval",
		&s.RunnerTokenExpirationInterval, c.RunnerTokenExpirationInterval, least)
	p.setInterval("group_runner_token_expiration_interval",
		&s.GroupRunnerTokenExpirationInterval, c.GroupRunnerTokenExpirationInterval, least)
	p.setInterval("project_runner_token_expiration_interval",
		&s.ProjectRunnerTokenExpirationInterval, c.ProjectRunnerTokenExpirationInterval, least)
	p.setInterval("runner_token_overlap", &s.RunnerTokenOverlap, c.RunnerTokenOverlap, 0)

	set(&s.MaintainersCanCreateProjectRunners, c.MaintainersCanCreateProjectRunners)
	set(&s.SharedRunnersEnabled, c.SharedRunnersEnabled)
	set(&s.SharedRunnersText, c.SharedRunnersText)
	set(&s.AdminMode, c.AdminMode)
	set(&s.PersonalAccessTokenPrefix, c.PersonalAccessTokenPrefix)
	p.tokenPrefix("personal_access_token_prefix", s.PersonalAccessTokenPrefix)
	set(&s.RequirePersonalAccessTokenExpiry, c.RequirePersonalAccessTokenExpiry)
	set(&s.InstanceTokenPrefix, c.InstanceTokenPrefix)
	p.tokenPrefix("instance_token_prefix", s.InstanceTokenPrefix)
	set(&s.UpdateRunnerVersionsEnabled, c.UpdateRunnerVersionsEnabled)
	set(&s.InactiveResourceAccessTokensDeleteAfterDays, c.InactiveResourceAccessTokensDeleteAfterDays)
	p.retention("inactive_resource_access_tokens_delete_after_days", s.InactiveResourceAccessTokensDeleteAfterDays)

	p.throttle("throttle_unauthenticated_api", &s.UnauthenticatedThrottle, c.UnauthenticatedThrottle)
	p.throttle("throttle_authenticated_api", &s.AuthenticatedThrottle, c.AuthenticatedThrottle)
	return baton.Invalid(p)
}

// registrars adds a problem unless the kinds are known and each stands there
// once. The words quote the whole list in Ruby's way, as GitLab does.
func (p *problems) registrars(kinds []string) {
	seen := make(map[string]bool)
	ok := true
	quoted := make([]string, len(kinds))
	for i, kind := range kinds {
		ok = ok && !seen[kind] && slices.Contains([]string{baton.RegistrarProject, baton.RegistrarGroup}, kind)
		seen[kind] = true
		quoted[i] = fmt.Sprintf("%q", kind)
	}
	if !ok {
		p.add("valid_runner_registrars", fmt.Sprintf("[%s] %s", strings.Join(quoted, ", "), unknown))
	}
}

func (p *problems) tokenPrefix(field, prefix string) {
	p.atMost(field, prefix, maxTokenPrefix)
	if !tokenPrefixForm.MatchString(prefix) {
		p.add(field, "can contain only letters of the Base64 alphabet (RFC4648) with the addition of '@', ':' and '.'")
	}
}

// maxRetention is a hundred years in days: no database has to reckon with times
// long before all calendars.
const maxRetention = 36_500

func (p *problems) retention(field string, days int) {
	switch {
	case days < 0:
		p.add(field, "must be greater than or equal to 0")
	case days > maxRetention:
		p.add(field, fmt.Sprintf("must be less than or equal to %d", maxRetention))
	}
}

func (p *problems) throttle(prefix string, t *baton.Throttle, c ThrottleChange) {
	set(&t.Enabled, c.Enabled)
	set(&t.Requests, c.Requests)
	set(&t.Period, c.Period)
	for _, limit := range []struct {
		field string
		value int
	}{
		{prefix + "_requests_per_period", t.Requests},
		{prefix + "_period_in_seconds", t.Period},
	} {
		switch {
		case limit.value <= 0:
			p.add(limit.field, "must be greater than 0")
		case limit.value > maxSeconds:
			p.add(limit.field, tooLarge)
		}
	}
}
