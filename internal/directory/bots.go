package directory

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// What a bot, the user behind a token of a group or project, is not allowed
// stands here; the rest is as with everybody. It is a member of that group or
// project alone, for as long as it exists.

// forBots keeps administrators from making a person of a bot: it has no
// password to sign in with, and no right but that of its role.
func (c *UserChange) forBots(u *baton.User) error {
	if u.Bot && (c.Password != nil || c.Admin != nil && *c.Admin ||
		c.CanCreateGroup != nil && *c.CanCreateGroup || c.ProjectsLimit != nil && *c.ProjectsLimit > 0) {
		return baton.Denied("A bot has no rights of its own")
	}
	return nil
}

// notForBots denies changing and ending the membership of a bot, as GitLab does.
func notForBots(ctx context.Context, r reader, user baton.UserID) error {
	u, err := findUser(ctx, r, user)
	if err == nil && u.Bot {
		err = baton.Denied("")
	}
	return err
}

// hidden stands for the name of a bot, which is that of a token, where somebody
// looks who may not see its group or project.
// https://docs.gitlab.com/user/project/settings/project_access_tokens/.
const hidden = "****"

// veil hides the name of a bot from who may not see what it is of.
func veil(ctx context.Context, r reader, a *access.Actor, u *baton.User) error {
	if !u.Bot || a.Admin || a.Is(u.ID) {
		return nil
	}
	place := Place{Group: RefOf(u.BotOf.Namespace)}
	if u.BotOf.Project != 0 {
		place = Place{Project: RefOf(u.BotOf.Project)}
	}
	_, err := place.find(ctx, r, a)
	if baton.IsNotFound(err) {
		u.Name = hidden
		return nil
	}
	return err
}

// tellBots writes down the end of the bots of a group or project that is about
// to go.
func tellBots(ctx context.Context, tx store.Tx, w audit.Author, of baton.Source) error {
	bots, err := every(func(p store.Page) ([]baton.User, error) { return tx.Users(ctx, store.UserFilter{BotsOf: of}, p) })
	if err != nil {
		return fmt.Errorf("list bots: %w", err)
	}
	return tell(ctx, tx, botsEnd(w, bots)...)
}

func botsEnd(w audit.Author, bots []baton.User) []baton.AuditEvent {
	events := make([]baton.AuditEvent, len(bots))
	for i := range bots {
		events[i] = aboutUser(w, &bots[i])(eventUserDeleted, "User destroyed")
	}
	return events
}

// forgottenAtOnce is how many bots go in one transaction: others wait for it.
const forgottenAtOnce = 100

// ForgetBots removes the bots whose last token ended longer ago than the
// settings keep them. What they made lives on.
// https://docs.gitlab.com/administration/settings/account_and_limit_settings/#inactive-project-and-group-access-token-retention-period.
func (d *Directory) ForgetBots(ctx context.Context, now time.Time) error {
	for left := true; left; {
		err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) (err error) {
			left, err = forgetBots(ctx, tx, now)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget bots: %w", err)
		}
	}
	return nil
}

// forgetBots removes some of the bots and reports whether there may be more.
func forgetBots(ctx context.Context, tx store.Tx, now time.Time) (bool, error) {
	s, err := tx.Settings(ctx)
	if err != nil || s.InactiveResourceAccessTokensDeleteAfterDays == 0 {
		return false, err
	}
	since := now.AddDate(0, 0, -s.InactiveResourceAccessTokensDeleteAfterDays)
	bots, err := tx.RetiredBots(ctx, since, store.Page{Limit: forgottenAtOnce})
	if err != nil {
		return false, err
	}
	for _, b := range bots {
		if err := tx.DeleteUser(ctx, b.ID); err != nil {
			return false, err
		}
	}
	return len(bots) == forgottenAtOnce, tell(ctx, tx, botsEnd(audit.Author{Name: "baton serve", At: now}, bots)...)
}
