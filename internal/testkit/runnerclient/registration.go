package runnerclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// granted is the answer of the calls that give or confirm one. A null
// expiry is none; one that is not RFC 3339 makes the answer unusable.
type granted struct {
	ID        int64     `json:"id"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"token_expires_at"`
}

// A proof is the body by which a runner proves itself.
type proof struct {
	Info     *Info  `json:"info,omitempty"`
	Token    string `json:"token"`
	SystemID string `json:"system_id,omitempty"`
}

func runnerToken(token string) http.Header {
	h := http.Header{}
	h.Set("Runner-Token", token)
	return h
}

// ErrRemoved says that the server refuses a token: the runner is gone.
var ErrRemoved = errors.New("the runner is removed or its token is not valid")

// verify asks whether the token is good, without an executor while that is not
// chosen. A refusal is [ErrRemoved]. An answer that cannot be understood is no
// error, but leaves the id 0: a server of old said "OK" in plain text.
func (c *Client) verify(ctx context.Context, to Credentials, systemID string, chosen bool) (granted, error) {
	info := c.info
	if !chosen {
		info.Executor, info.Shell = "", ""
	}
	var got granted
	call := jsonCall{
		method: http.MethodPost, path: "runners/verify", header: runnerToken(to.Token),
		in: proof{&info, to.Token, systemID}, out: &got, want: http.StatusOK,
	}
	_, err := c.doJSON(ctx, to, call)
	if err != nil && Status(err) == 0 {
		got, call.out = granted{}, nil
		_, err = c.doJSON(ctx, to, call)
	}
	if Status(err) == http.StatusForbidden {
		err = ErrRemoved
	}
	return got, err
}

// Verify asks whether the token of an entry is good: nil if it is,
// [ErrRemoved] if the server refuses it. After any other error the entry is
// kept.
func (c *Client) Verify(ctx context.Context, r Runner, systemID string) error {
	if _, err := c.verify(ctx, r.Credentials(), systemID, true); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}

// VerifyAll verifies every entry of a config, and drops those that were removed
// if delete says so. It returns their ids.
func (c *Client) VerifyAll(ctx context.Context, config *Config, drop bool) (removed []int64, err error) {
	for _, r := range config.Runners() {
		if err := c.Verify(ctx, r, config.SystemID()); !errors.Is(err, ErrRemoved) {
			continue
		}
		removed = append(removed, r.ID)
		if drop {
			if err := config.Remove(r.Credentials()); err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// Attributes are what a registration token lets the program say of a runner.
type Attributes struct {
	Description     string
	MaintenanceNote string
	// TagList is separated by commas.
	TagList        string
	RunUntagged    bool
	Unlocked       bool
	Paused         bool
	AccessLevel    string
	MaximumTimeout int // seconds
}

// A Registration is what the command register is given. Exactly one of the two
// tokens is set; which kind it is of its prefix alone tells.
type Registration struct {
	URL string
	// Token is --token, RegistrationToken is --registration-token.
	Token             string
	RegistrationToken string
	Attributes        Attributes
	// Runner has what the entry is to have besides.
	Runner Runner
	// LeaveRunner keeps the registration when the entry cannot be written.
	LeaveRunner bool
}

// ErrReserved says that attributes were given for a runner that was created
// beforehand, of which the server decides them.
var ErrReserved = errors.New("attributes are reserved to the server when the runner was created there")

// Register adds an entry to the config: for a runner that was created
// beforehand if the token begins with "glrt-", else for one that this makes.
func (c *Client) Register(ctx context.Context, config *Config, reg Registration) (Runner, error) {
	to := Credentials{URL: reg.URL, Token: reg.Token}
	if to.Token == "" {
		to.Token = reg.RegistrationToken
	}
	var got granted
	var err error
	if isRunnerToken(to.Token) {
		given := reg.Attributes
		given.Description = "" // asked for all the same, and kept here alone
		if reg.Token != "" && given != (Attributes{}) {
			return Runner{}, fmt.Errorf("register: %w", ErrReserved)
		}
		got, err = c.verify(ctx, to, config.SystemID(), false)
		got.Token = to.Token // what the answer says is not used
	} else {
		got, err = c.register(ctx, to, reg.Attributes)
	}
	if err == nil && got.ID == 0 {
		err = errors.New("failed to verify the runner")
	}
	if err != nil {
		return Runner{}, fmt.Errorf("register: %w", err)
	}
	r := reg.Runner
	r.URL, r.ID, r.Token, r.TokenObtainedAt, r.TokenExpiresAt = reg.URL, got.ID, got.Token, time.Now().UTC(), got.ExpiresAt
	if err := config.Add(r); err != nil {
		if !reg.LeaveRunner {
			err = errors.Join(err, c.Unregister(ctx, r, config.SystemID()))
		}
		return Runner{}, fmt.Errorf("register: %w", err)
	}
	return r, nil
}

// register makes a runner with a registration token.
func (c *Client) register(ctx context.Context, to Credentials, a Attributes) (granted, error) {
	info := c.info
	info.Executor, info.Shell = "", ""
	var got granted
	_, err := c.doJSON(ctx, to, jsonCall{
		method: http.MethodPost, path: "runners", header: runnerToken(to.Token),
		in: struct {
			Description     string `json:"description,omitempty"`
			MaintenanceNote string `json:"maintenance_note,omitempty"`
			TagList         string `json:"tag_list,omitempty"`
			RunUntagged     bool   `json:"run_untagged"`
			Locked          bool   `json:"locked"`
			AccessLevel     string `json:"access_level,omitempty"`
			MaximumTimeout  int    `json:"maximum_timeout,omitempty"`
			Paused          bool   `json:"paused"`
			Info            Info   `json:"info"`
			Token           string `json:"token"`
		}{
			a.Description, a.MaintenanceNote, a.TagList, a.RunUntagged || a.TagList == "",
			!a.Unlocked, a.AccessLevel, a.MaximumTimeout, a.Paused, info, to.Token,
		},
		out: &got, want: http.StatusCreated,
	})
	return got, err
}

// Unregister takes the machine away from a runner that was created beforehand,
// and removes a runner that was registered.
func (c *Client) Unregister(ctx context.Context, r Runner, systemID string) error {
	call := jsonCall{
		method: http.MethodDelete, path: "runners", header: runnerToken(r.Token),
		in: proof{Token: r.Token}, want: http.StatusNoContent,
	}
	if isRunnerToken(r.Token) {
		call.path, call.in = "runners/managers", proof{Token: r.Token, SystemID: systemID}
	}
	if _, err := c.doJSON(ctx, r.Credentials(), call); err != nil {
		return fmt.Errorf("unregister: %w", err)
	}
	return nil
}

// Reset replaces the token of an entry and returns the entry with the new one.
// The server is told the old token and nothing else, not even the machine.
func (c *Client) Reset(ctx context.Context, r Runner) (Runner, error) {
	return c.reset(ctx, r, jsonCall{path: "runners/reset_authentication_token", in: proof{Token: r.Token}})
}

// ResetWithPAT replaces the token of an entry for somebody who has a personal
// access token.
func (c *Client) ResetWithPAT(ctx context.Context, r Runner, pat string) (Runner, error) {
	header := http.Header{}
	header.Set("Private-Token", pat)
	return c.reset(ctx, r, jsonCall{
		path: "runners/" + strconv.FormatInt(r.ID, 10) + "/reset_authentication_token", header: header, in: json.RawMessage("null"),
	})
}

func (c *Client) reset(ctx context.Context, r Runner, call jsonCall) (Runner, error) {
	var got granted
	call.method, call.out, call.want = http.MethodPost, &got, http.StatusCreated
	if _, err := c.doJSON(ctx, r.Credentials(), call); err != nil {
		return Runner{}, fmt.Errorf("reset token: %w", err)
	}
	if got.Token == "" {
		return Runner{}, errors.New("reset token: the answer has none")
	}
	r.Token, r.TokenObtainedAt, r.TokenExpiresAt = got.Token, time.Now().UTC(), got.ExpiresAt
	return r, nil
}
