package sqlstore

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var users = define("User", "users u", func(u *baton.User) []column {
	return []column{
		{"u.id", &u.ID, generated},
		{"username", &u.Username, mutable},
		{"name", &u.Name, mutable},
		{"email", &u.Email, mutable},
		{"state", &u.State, mutable},
		{"admin", &u.Admin, mutable},
		{"bot", &u.Bot, mutable},
		{"bot_namespace_id", nullNumber(&u.BotOf.Namespace), fixed},
		{"bot_project_id", nullNumber(&u.BotOf.Project), fixed},
		{"external", &u.External, mutable},
		{"private_profile", &u.PrivateProfile, mutable},
		{"can_create_group", &u.CanCreateGroup, mutable},
		{"projects_limit", &u.ProjectsLimit, mutable},
		{"note", &u.Note, mutable},
		{"created_by", nullNumber(&u.CreatedBy), fixed},
		{"last_activity_on", nullText(&u.LastActivityOn), mutable},
		{"created_at", at(&u.CreatedAt), fixed},
		{"updated_at", at(&u.UpdatedAt), mutable},
	}
})

func (r reader) User(ctx context.Context, id baton.UserID) (baton.User, error) {
	return users.one(ctx, r, "WHERE u.id = $1", id)
}

func (r reader) UserByName(ctx context.Context, username string) (baton.User, error) {
	return users.one(ctx, r, "WHERE lower(u.username) = $1", lower(username))
}

func (r reader) UserByEmail(ctx context.Context, email string) (baton.User, error) {
	return users.one(ctx, r, "WHERE lower(u.email) = $1", lower(email))
}

func (r reader) Users(ctx context.Context, f store.UserFilter, p store.Page) ([]baton.User, error) {
	w := usersWhere(f)
	w.page("u.id", p)
	return users.filtered(ctx, r, w)
}

func (r reader) CountUsers(ctx context.Context, f store.UserFilter) (int, error) {
	return users.count(ctx, r, usersWhere(f))
}

func usersWhere(f store.UserFilter) *where {
	w := new(where)
	if len(f.IDs) > 0 {
		w.and("u.id IN "+placesFor(f.IDs), padded(f.IDs)...)
	}
	if f.Username != "" {
		w.and("lower(u.username) = ?", lower(f.Username))
	}
	if f.Search != "" {
		part := lower(f.Search)
		w.and("("+contains("u.username")+" OR "+contains("u.name")+" OR lower(u.email) = ?)", part, part, part)
	}
	if len(f.States) > 0 {
		in(w, "u.state", f.States)
	}
	if f.Admins {
		w.and("u.admin")
	}
	if f.Humans {
		w.and("NOT u.bot")
	}
	if f.BotsOf != (baton.Source{}) {
		column, id := source(f.BotsOf)
		w.and("u.bot_"+column+" = ?", id)
	}
	return w
}

func (r reader) RetiredBots(ctx context.Context, since time.Time, p store.Page) ([]baton.User, error) {
	w := new(where)
	w.and("u.bot AND u.created_at <= ?", at(&since))
	w.and(`NOT EXISTS (SELECT 1 FROM access_tokens t WHERE t.user_id = u.id
		AND NOT (t.revoked AND coalesce(t.revoked_at, t.created_at) <= ?)
		AND (t.expires_at IS NULL OR t.expires_at > ?))`, at(&since), baton.DateOf(since))
	w.page("u.id", p)
	return users.filtered(ctx, r, w)
}

func (r reader) PasswordHash(ctx context.Context, id baton.UserID) (string, error) {
	var hash string
	found, err := r.value(ctx, "read password hash", &hash, "SELECT password_hash FROM users WHERE id = $1", id)
	if err == nil && !found {
		err = baton.NotFound(users.thing)
	}
	return hash, err
}

func (w writer) InsertUser(ctx context.Context, u baton.User) (baton.UserID, error) {
	id, err := users.insert(ctx, w, &u)
	return baton.UserID(id), err
}

func (w writer) UpdateUser(ctx context.Context, u baton.User) error {
	return users.update(ctx, w, &u, int64(u.ID))
}

func (w writer) SetPasswordHash(ctx context.Context, id baton.UserID, hash string) error {
	return w.touch(ctx, users.thing, "set password hash", "UPDATE users SET password_hash = $1 WHERE id = $2", hash, id)
}

func (w writer) DeleteUser(ctx context.Context, id baton.UserID) error {
	return w.touch(ctx, users.thing, "delete User", "DELETE FROM users WHERE id = $1", id)
}
