package directory

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/store"
)

// The names of audit events. Those that GitLab has too are spelled as there.
const (
	eventSettings = "application_setting_updated"

	eventUserCreated     = "user_created"
	eventUserUpdated     = "user_updated"
	eventUserPassword    = "user_password_updated"
	eventUserBlocked     = "user_blocked"
	eventUserUnblocked   = "unblock_user"
	eventUserDeactivated = "user_deactivate"
	eventUserActivated   = "user_activate"
	eventUserDeleted     = "user_destroyed"

	eventGroupCreated   = "group_created"
	eventGroupUpdated   = "group_updated"
	eventGroupDeleted   = "group_destroyed"
	eventProjectCreated = "project_created"
	eventProjectUpdated = "project_updated"
	eventProjectDeleted = "project_destroyed"

	eventMemberCreated = "member_created"
	eventMemberUpdated = "member_updated"
	eventMemberDeleted = "member_destroyed"

	eventGroupShared     = "group_share_with_group_link_created"
	eventGroupUnshared   = "group_share_with_group_link_removed"
	eventProjectShared   = "project_group_link_created"
	eventProjectUnshared = "project_group_link_deleted"
)

// A teller makes the events about one thing.
type teller func(name, message string, changes ...baton.AuditChange) baton.AuditEvent

// changed makes the event of changes.
func (t teller) changed(name string, changes ...baton.AuditChange) baton.AuditEvent {
	return t(name, audit.Changed(changes), changes...)
}

func aboutSettings(w audit.Author) teller {
	return func(name, message string, changes ...baton.AuditChange) baton.AuditEvent {
		target := audit.Target{Type: "ApplicationSetting", ID: 1, Details: "Application settings"}
		return w.Event(audit.Scope{}, name, target, message, changes...)
	}
}

func aboutUser(w audit.Author, u *baton.User) teller {
	return func(name, message string, changes ...baton.AuditChange) baton.AuditEvent {
		return w.Event(audit.OfUser(u), name, audit.Target{Type: "User", ID: int64(u.ID), Details: u.Username}, message, changes...)
	}
}

func aboutGroup(w audit.Author, g *baton.Namespace) teller {
	return func(name, message string, changes ...baton.AuditChange) baton.AuditEvent {
		return w.Event(audit.InGroup(g), name, audit.Target{Type: "Group", ID: int64(g.ID), Details: g.FullPath}, message, changes...)
	}
}

func aboutProject(w audit.Author, p *baton.Project) teller {
	return func(name, message string, changes ...baton.AuditChange) baton.AuditEvent {
		return w.Event(audit.InProject(p), name, audit.Target{Type: "Project", ID: int64(p.ID), Details: p.FullPath}, message, changes...)
	}
}

// aboutMember makes the events about a membership, which belong to the place.
func (s *spot) aboutMember(w audit.Author, u *baton.User) teller {
	scope := audit.InGroup(&s.namespace)
	if s.project != nil {
		scope = audit.InProject(s.project)
	}
	return func(name, message string, changes ...baton.AuditChange) baton.AuditEvent {
		return w.Event(scope, name, audit.Target{Type: "User", ID: int64(u.ID), Details: u.Name}, message, changes...)
	}
}

// about makes the events about the place itself.
func (s *spot) about(w audit.Author) teller {
	if s.project != nil {
		return aboutProject(w, s.project)
	}
	return aboutGroup(w, &s.namespace)
}

// settingAttributes are the application settings by their names in the API.
var settingAttributes = []audit.Attribute[baton.Settings]{
	audit.NewAttribute("valid_runner_registrars", eventSettings, func(s *baton.Settings) string { return strings.Join(s.ValidRunnerRegistrars, ",") }),
	audit.NewAttribute("allow_runner_registration_token", eventSettings, func(s *baton.Settings) string { return strconv.FormatBool(s.AllowRunnerRegistrationToken) }),
	audit.NewAttribute("runner_token_expiration_interval", eventSettings, func(s *baton.Settings) string { return audit.Number(s.RunnerTokenExpirationInterval) }),
	audit.NewAttribute("group_runner_token_expiration_interval", eventSettings, func(s *baton.Settings) string { return audit.Number(s.GroupRunnerTokenExpirationInterval) }),
	audit.NewAttribute("project_runner_token_expiration_interval", eventSettings, func(s *baton.Settings) string { return audit.Number(s.ProjectRunnerTokenExpirationInterval) }),
	audit.NewAttribute("runner_token_overlap", eventSettings, func(s *baton.Settings) string { return audit.Number(s.RunnerTokenOverlap) }),
	audit.NewAttribute("maintainers_can_create_project_runners", eventSettings, func(s *baton.Settings) string { return strconv.FormatBool(s.MaintainersCanCreateProjectRunners) }),
	audit.NewAttribute("shared_runners_enabled", eventSettings, func(s *baton.Settings) string { return strconv.FormatBool(s.SharedRunnersEnabled) }),
	audit.NewAttribute("shared_runners_text", eventSettings, func(s *baton.Settings) string { return s.SharedRunnersText }),
	audit.NewAttribute("admin_mode", eventSettings, func(s *baton.Settings) string { return strconv.FormatBool(s.AdminMode) }),
	audit.NewAttribute("personal_access_token_prefix", eventSettings, func(s *baton.Settings) string { return s.PersonalAccessTokenPrefix }),
	audit.NewAttribute("require_personal_access_token_expiry", eventSettings, func(s *baton.Settings) string { return strconv.FormatBool(s.RequirePersonalAccessTokenExpiry) }),
	audit.NewAttribute("instance_token_prefix", eventSettings, func(s *baton.Settings) string { return s.InstanceTokenPrefix }),
	audit.NewAttribute("update_runner_versions_enabled", eventSettings, func(s *baton.Settings) string { return strconv.FormatBool(s.UpdateRunnerVersionsEnabled) }),
	audit.NewAttribute("inactive_resource_access_tokens_delete_after_days", eventSettings, func(s *baton.Settings) string {
		return audit.Number(s.InactiveResourceAccessTokensDeleteAfterDays)
	}),
	audit.NewAttribute("throttle_unauthenticated_api", eventSettings, func(s *baton.Settings) string { return throttleText(s.UnauthenticatedThrottle) }),
	audit.NewAttribute("throttle_authenticated_api", eventSettings, func(s *baton.Settings) string { return throttleText(s.AuthenticatedThrottle) }),
}

// throttleText writes a throttle as a text, such as "off, 60 requests in 10 seconds".
func throttleText(t baton.Throttle) string {
	state := "off"
	if t.Enabled {
		state = "on"
	}
	return fmt.Sprintf("%s, %d requests in %d seconds", state, t.Requests, t.Period)
}

var userAttributes = []audit.Attribute[baton.User]{
	audit.NewAttribute("username", "user_username_updated", func(u *baton.User) string { return u.Username }),
	audit.NewAttribute("name", "user_name_updated", func(u *baton.User) string { return u.Name }),
	audit.NewAttribute("email", "user_email_address_updated", func(u *baton.User) string { return u.Email }),
	audit.NewAttribute("admin", "user_admin_status_updated", func(u *baton.User) string { return strconv.FormatBool(u.Admin) }),
	audit.NewAttribute("external", "user_external_status_updated", func(u *baton.User) string { return strconv.FormatBool(u.External) }),
	audit.NewAttribute("private_profile", "user_profile_visibility_updated", func(u *baton.User) string { return strconv.FormatBool(u.PrivateProfile) }),
	audit.NewAttribute("can_create_group", eventUserUpdated, func(u *baton.User) string { return strconv.FormatBool(u.CanCreateGroup) }),
	audit.NewAttribute("projects_limit", eventUserUpdated, func(u *baton.User) string { return strconv.Itoa(u.ProjectsLimit) }),
	audit.NewAttribute("note", eventUserUpdated, func(u *baton.User) string { return u.Note }),
}

var groupAttributes = []audit.Attribute[baton.Namespace]{
	audit.NewAttribute("name", "group_name_updated", func(g *baton.Namespace) string { return g.Name }),
	audit.NewAttribute("path", "group_path_updated", func(g *baton.Namespace) string { return g.Path }),
	audit.NewAttribute("description", "group_description_updated", func(g *baton.Namespace) string { return g.Description }),
	audit.NewAttribute("visibility", "group_visibility_level_updated", func(g *baton.Namespace) string { return string(g.Visibility) }),
	audit.NewAttribute("shared_runners_setting", eventGroupUpdated, func(g *baton.Namespace) string { return string(g.SharedRunnersSetting) }),
	audit.NewAttribute("subgroup_creation_level", eventGroupUpdated, func(g *baton.Namespace) string { return string(g.SubgroupCreationLevel) }),
	audit.NewAttribute("runner_registration_enabled", eventGroupUpdated, func(g *baton.Namespace) string { return strconv.FormatBool(g.RunnerRegistrationEnabled) }),
	audit.NewAttribute("allow_runner_registration_token", eventGroupUpdated, func(g *baton.Namespace) string { return strconv.FormatBool(g.AllowRunnerRegistrationToken) }),
	audit.NewAttribute("runner_token_expiration_interval", eventGroupUpdated, func(g *baton.Namespace) string { return audit.Number(g.RunnerTokenExpirationInterval) }),
	audit.NewAttribute("subgroup_runner_token_expiration_interval", eventGroupUpdated, func(g *baton.Namespace) string { return audit.Number(g.SubgroupRunnerTokenExpirationInterval) }),
	audit.NewAttribute("project_runner_token_expiration_interval", eventGroupUpdated, func(g *baton.Namespace) string { return audit.Number(g.ProjectRunnerTokenExpirationInterval) }),
	audit.NewAttribute("runner_token_overlap", eventGroupUpdated, func(g *baton.Namespace) string { return audit.Optional(g.RunnerTokenOverlap) }),
}

var projectAttributes = []audit.Attribute[baton.Project]{
	audit.NewAttribute("name", "project_name_updated", func(p *baton.Project) string { return p.Name }),
	audit.NewAttribute("path", "project_path_updated", func(p *baton.Project) string { return p.Path }),
	audit.NewAttribute("description", "project_description_updated", func(p *baton.Project) string { return p.Description }),
	audit.NewAttribute("visibility", "project_visibility_level_updated", func(p *baton.Project) string { return string(p.Visibility) }),
	audit.NewAttribute("default_branch", eventProjectUpdated, func(p *baton.Project) string { return p.DefaultBranch }),
	audit.NewAttribute("ci_config_path", eventProjectUpdated, func(p *baton.Project) string { return p.CIConfigPath }),
	audit.NewAttribute("build_timeout", eventProjectUpdated, func(p *baton.Project) string { return strconv.Itoa(p.BuildTimeout) }),
	audit.NewAttribute("shared_runners_enabled", eventProjectUpdated, func(p *baton.Project) string { return strconv.FormatBool(p.SharedRunnersEnabled) }),
	audit.NewAttribute("group_runners_enabled", eventProjectUpdated, func(p *baton.Project) string { return strconv.FormatBool(p.GroupRunnersEnabled) }),
	audit.NewAttribute("runner_registration_enabled", eventProjectUpdated, func(p *baton.Project) string { return strconv.FormatBool(p.RunnerRegistrationEnabled) }),
	audit.NewAttribute("runner_token_expiration_interval", eventProjectUpdated, func(p *baton.Project) string { return audit.Number(p.RunnerTokenExpirationInterval) }),
}

var memberAttributes = []audit.Attribute[baton.Member]{
	audit.NewAttribute("access_level", eventMemberUpdated, func(m *baton.Member) string { return levelNames[m.AccessLevel] }),
	audit.NewAttribute("expires_at", eventMemberUpdated, func(m *baton.Member) string { return string(m.ExpiresAt) }),
}

// tell writes down events that belong to the transaction.
func tell(ctx context.Context, tx store.Tx, events ...baton.AuditEvent) error {
	return tx.InsertAuditEvent(ctx, events...)
}

// tellShare writes down that a group was let into the place, or not any more.
func (s *spot) tellShare(ctx context.Context, tx store.Tx, a *access.Actor, name, message string, with *baton.Namespace, changes ...baton.AuditChange) error {
	return tell(ctx, tx, s.about(a.Author())(name, message+" "+with.FullPath, changes...))
}

// deleteNamespace removes a group or personal namespace, and writes down the
// end of every group, project and runner that goes with it.
func deleteNamespace(ctx context.Context, tx store.Tx, a *access.Actor, n *baton.Namespace) error {
	if err := fleet.TellLosses(ctx, tx, a.Author(), baton.InGroup(n.ID)); err != nil {
		return err
	}
	if err := tellEnd(ctx, tx, a, n); err != nil {
		return err
	}
	return tx.DeleteNamespace(ctx, n.ID)
}

// tellEnd writes down the end of a namespace and of what is below it.
func tellEnd(ctx context.Context, tx store.Tx, a *access.Actor, n *baton.Namespace) error {
	projects, subgroups, err := below(ctx, tx, n.ID)
	if err != nil {
		return err
	}
	if err := tellBots(ctx, tx, a.Author(), baton.InGroup(n.ID)); err != nil {
		return err
	}
	var events []baton.AuditEvent
	for _, p := range projects {
		if err := tellBots(ctx, tx, a.Author(), baton.InProject(p.ID)); err != nil {
			return err
		}
		events = append(events, aboutProject(a.Author(), &p)(eventProjectDeleted, "Project destroyed"))
	}
	for _, g := range subgroups {
		if err := tellEnd(ctx, tx, a, &g); err != nil {
			return err
		}
	}
	if n.Kind == baton.GroupNamespace {
		events = append(events, aboutGroup(a.Author(), n)(eventGroupDeleted, "Group destroyed"))
	}
	return tell(ctx, tx, events...)
}

// below returns the projects and groups that are directly in a group.
func below(ctx context.Context, r reader, group baton.NamespaceID) ([]baton.Project, []baton.Namespace, error) {
	projects, err := every(func(p store.Page) ([]baton.Project, error) {
		return r.Projects(ctx, store.ProjectFilter{NamespaceID: group}, p)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list projects: %w", err)
	}
	subgroups, err := every(func(p store.Page) ([]baton.Namespace, error) {
		return r.Groups(ctx, store.GroupFilter{ParentID: group}, p)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list subgroups: %w", err)
	}
	return projects, subgroups, nil
}
