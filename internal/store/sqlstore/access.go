package sqlstore

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// levels is the query for a user's roles in one namespace or project: $1 is
// its id, $2 the user, $3 today. It walks up from the namespace (up), and from
// the groups that shares on the way let in (guests), since a role in a guest
// may be inherited there; shares of guests do not count, as in GitLab. A role
// below Guest, Minimal Access, counts in its group alone: it is neither
// inherited nor shared. The first row of up, where Minimal Access counts, and
// the extra roles differ for groups and projects.
func levels(start, minimal, extraShares, extraRoles string) string {
	return `WITH RECURSIVE up (id, parent_id, owner_id) AS (
			SELECT n.id, n.parent_id, n.owner_id FROM namespaces n WHERE n.id = ` + start + `
			UNION ALL
			SELECT n.id, n.parent_id, n.owner_id FROM up JOIN namespaces n ON n.id = up.parent_id
		), guests (id, parent_id, level) AS (
			SELECT n.id, n.parent_id, s.access_level
			FROM (
				SELECT s.with_group, s.access_level FROM up JOIN shares s ON s.namespace_id = up.id
				WHERE s.access_level >= 10 AND (s.expires_at IS NULL OR s.expires_at > $3)` + extraShares + `
			) s JOIN namespaces n ON n.id = s.with_group
			UNION ALL
			SELECT n.id, n.parent_id, guests.level FROM guests JOIN namespaces n ON n.id = guests.parent_id
		)
		SELECT coalesce(max(level), 0) FROM (
			SELECT m.access_level AS level FROM up JOIN members m ON m.namespace_id = up.id AND m.user_id = $2
			WHERE (m.access_level >= 10` + minimal + `) AND (m.expires_at IS NULL OR m.expires_at > $3)
			UNION ALL
			SELECT CASE WHEN m.access_level < guests.level THEN m.access_level ELSE guests.level END
			FROM guests JOIN members m ON m.namespace_id = guests.id AND m.user_id = $2
			WHERE m.access_level >= 10 AND (m.expires_at IS NULL OR m.expires_at > $3)
			UNION ALL
			SELECT 50 FROM up WHERE up.owner_id = $2` + extraRoles + `
		) roles`
}

var (
	groupLevels   = levels("$1", " OR up.id = $1", "", "")
	projectLevels = levels("(SELECT namespace_id FROM projects WHERE id = $1)", "", `
				UNION ALL
				SELECT s.with_group, s.access_level FROM shares s
				WHERE s.project_id = $1 AND s.access_level >= 10 AND (s.expires_at IS NULL OR s.expires_at > $3)`, `
			UNION ALL
			SELECT m.access_level FROM members m
			WHERE m.project_id = $1 AND m.user_id = $2 AND (m.expires_at IS NULL OR m.expires_at > $3)`)
)

func (r reader) AccessLevel(ctx context.Context, user baton.UserID, in baton.Source, today baton.Date) (baton.AccessLevel, error) {
	query := groupLevels
	if in.Project != 0 {
		query = projectLevels
	}
	_, id := source(in)
	var level baton.AccessLevel
	_, err := r.value(ctx, "read access level", &level, query, id, user, today)
	return level, err
}

// reach begins a query over what a user reaches with at least some role, which
// is Guest or above:
//
//   - open are the groups, and open_projects the projects, in which the user
//     has the role, direct, inherited or by a share;
//   - seen are the open groups, those in which the user has Minimal Access, and
//     the ancestors of all these.
//
// Its arguments are those of [reachArgs].
const reach = `WITH RECURSIVE direct (namespace_id, project_id) AS (
		SELECT namespace_id, project_id FROM members
		WHERE user_id = ? AND access_level >= ? AND (expires_at IS NULL OR expires_at > ?)
	), own (id) AS (
		SELECT namespace_id FROM direct WHERE namespace_id IS NOT NULL
		UNION
		SELECT n.id FROM own JOIN namespaces n ON n.parent_id = own.id
	), shared (namespace_id, project_id) AS (
		SELECT s.namespace_id, s.project_id FROM own JOIN shares s ON s.with_group = own.id
		WHERE s.access_level >= ? AND (s.expires_at IS NULL OR s.expires_at > ?)
	), open (id) AS (
		SELECT id FROM own
		UNION
		SELECT namespace_id FROM shared WHERE namespace_id IS NOT NULL
		UNION
		SELECT id FROM namespaces WHERE owner_id = ?
		UNION
		SELECT n.id FROM open JOIN namespaces n ON n.parent_id = open.id
	), open_projects (id, namespace_id) AS (
		SELECT p.id, p.namespace_id FROM projects p WHERE p.namespace_id IN (SELECT id FROM open)
		UNION
		SELECT p.id, p.namespace_id FROM direct JOIN projects p ON p.id = direct.project_id
		UNION
		SELECT p.id, p.namespace_id FROM shared JOIN projects p ON p.id = shared.project_id
	), seen (id) AS (
		SELECT id FROM open
		UNION
		SELECT namespace_id FROM open_projects
		UNION
		SELECT namespace_id FROM members
		WHERE namespace_id IS NOT NULL AND user_id = ? AND (expires_at IS NULL OR expires_at > ?)
		UNION
		SELECT n.parent_id FROM seen JOIN namespaces n ON n.id = seen.id WHERE n.parent_id IS NOT NULL
	) `

// reachArgs are the arguments of [reach].
func reachArgs(v *store.Viewer, least baton.AccessLevel) []any {
	today := string(v.Today)
	return []any{v.UserID, least, today, least, today, v.UserID, v.UserID, today}
}

// visible adds the condition that the viewer sees a thing: by its visibility
// or because the viewer reaches it.
func (w *where) visible(visibility, reached string, v *store.Viewer) {
	switch {
	case v.UserID == 0:
		w.and(visibility + " = 'public'")
	case v.External:
		w.and("("+visibility+" = 'public' OR "+reached+")", reachArgs(v, baton.GuestAccess)...)
	default:
		w.and("("+visibility+" <> 'private' OR "+reached+")", reachArgs(v, baton.GuestAccess)...)
	}
}

func (r reader) SeesGroup(ctx context.Context, user baton.UserID, group baton.NamespaceID, today baton.Date) (bool, error) {
	w := new(where)
	w.write(reach+"SELECT 1 FROM seen WHERE id = ?",
		append(reachArgs(&store.Viewer{UserID: user, Today: today}, baton.GuestAccess), group)...)
	var one int
	return r.value(ctx, "read access to group", &one, w.text.String(), w.args...)
}

func (r reader) MaintainsBelow(ctx context.Context, user baton.UserID, group baton.NamespaceID, today baton.Date) (bool, error) {
	w := new(where)
	w.write(reach+`, below (id) AS (
		SELECT id FROM namespaces WHERE id = ?
		UNION ALL
		SELECT n.id FROM below JOIN namespaces n ON n.parent_id = below.id
	) SELECT 1 FROM open_projects o JOIN projects p ON p.id = o.id
	WHERE p.group_runners_enabled AND p.namespace_id IN (SELECT id FROM below) LIMIT 1`,
		append(reachArgs(&store.Viewer{UserID: user, Today: today}, baton.MaintainerAccess), group)...)
	var one int
	return r.value(ctx, "look for maintained projects", &one, w.text.String(), w.args...)
}
