package access

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// A TokenProblem says why a token that exists is refused. The texts are what
// GitLab says of it.
type TokenProblem string

// The problems of tokens.
const (
	TokenExpired TokenProblem = "Token is expired. You can either do re-authorization or token refresh."
	TokenRevoked TokenProblem = "Token was revoked. You have to re-authorize from the user."
)

// Error implements error.
func (p TokenProblem) Error() string { return string(p) }

// A UserProblem says why a user who is known is refused.
type UserProblem baton.UserState

// Error implements error.
func (p UserProblem) Error() string { return "user is " + string(p) }

// Judge turns what a token led to into an actor. In this order it returns
// an error of CodeUnauthenticated when there is no such token, a
// [TokenProblem] when the token is expired or else revoked, and a
// [UserProblem] when its user may not act.
func Judge(p store.Principal, ip netip.Addr, now time.Time) (*Actor, error) {
	if p.Token == nil || p.User == nil {
		return nil, &baton.Error{Code: baton.CodeUnauthenticated}
	}
	// GitLab tests expiry first: a token that is both is reported as expired.
	if p.Token.ExpiresAt.Reached(now) {
		return nil, TokenExpired
	}
	if p.Token.Revoked {
		return nil, TokenRevoked
	}
	if p.User.State != baton.UserActive {
		return nil, UserProblem(p.User.State)
	}
	return newActor(*p.User, p.Token, p.Settings, ip, now), nil
}

// newActor decides whether administrator rights count.
func newActor(u baton.User, t *baton.AccessToken, s baton.Settings, ip netip.Addr, now time.Time) *Actor {
	a := &Actor{
		User: u, Token: t, Settings: s, Now: now,
		Admin: u.Admin && (!s.AdminMode || t == nil || t.Has(baton.ScopeAdminMode)),
	}
	if ip.IsValid() {
		a.IP = ip.String()
	}
	return a
}

// ErrSudoScope says that the token lacks the scope sudo.
var ErrSudoScope = fmt.Errorf("the token lacks the scope %s", baton.ScopeSudo)

// Sudo returns the actor that a, an administrator, wants to be: the user with
// the id or username. The errors, in this order: CodeDenied for who is no
// administrator, [ErrSudoScope], CodeNotFound with GitLab's words, and a
// [UserProblem].
// https://docs.gitlab.com/api/rest/authentication/#sudo.
func Sudo(ctx context.Context, users store.UserReader, a *Actor, name string) (*Actor, error) {
	if !a.Admin {
		return nil, baton.Denied("Must be admin to use sudo")
	}
	if a.Token == nil || !a.Token.Has(baton.ScopeSudo) {
		return nil, ErrSudoScope
	}
	u, err := findUser(ctx, users, name)
	if baton.IsNotFound(err) {
		return nil, baton.NotFound(fmt.Sprintf("User with ID or username '%s'", name))
	}
	if err != nil {
		return nil, fmt.Errorf("find sudo user: %w", err)
	}
	if u.State != baton.UserActive {
		return nil, UserProblem(u.State)
	}
	ip, _ := netip.ParseAddr(a.IP)
	return newActor(u, a.Token, a.Settings, ip, a.Now), nil
}

// findUser finds a user by id, if name is a number, else by username. A user
// whose name is a number is found by that when there is no such id.
func findUser(ctx context.Context, users store.UserReader, name string) (baton.User, error) {
	var id baton.UserID
	if _, err := fmt.Sscanf(name, "%d", &id); err == nil && fmt.Sprint(id) == name {
		if u, err := users.User(ctx, id); !baton.IsNotFound(err) {
			return u, err
		}
	}
	return users.UserByName(ctx, name)
}

// TouchEvery is how often the use of a token is recorded: GitLab too writes
// it down at most once in ten minutes, or when the address changes.
const TouchEvery = 10 * time.Minute

// Touched returns the use to record for a's token, and false when the last
// record is fresh enough.
func (a *Actor) Touched() (store.TokenUse, bool) {
	t := a.Token
	if t == nil || a.Now.Sub(t.LastUsedAt) < TouchEvery && (a.IP == "" || slices.Contains(t.LastUsedIPs, a.IP)) {
		return store.TokenUse{}, false
	}
	ips := slices.DeleteFunc(slices.Clone(t.LastUsedIPs), func(ip string) bool { return ip == a.IP })
	if a.IP != "" {
		ips = slices.Insert(ips, 0, a.IP)
	}
	if len(ips) > baton.MaxLastUsedIPs {
		ips = ips[:baton.MaxLastUsedIPs]
	}
	return store.TokenUse{Token: t.ID, User: t.UserID, At: a.Now, IPs: ips}, true
}
