package runnerclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// An Outcome is what a request for a job came to.
type Outcome int

// The outcomes.
const (
	// Failed is everything that is not listed below: an unexpected status, a
	// broken connection. It is asked again in the next round.
	Failed Outcome = iota
	// Received: there is a job.
	Received
	// Idle: there is none.
	Idle
	// Refused: the token is not good. The one outcome that is unhealthy.
	Refused
	// Unavailable: the instance is not available at the moment.
	Unavailable
	// Lost: the server handed out a job that cannot be understood. It believes
	// that the job runs.
	Lost
)

// String returns the outcome in a word.
func (o Outcome) String() string {
	return [...]string{"failed", "received", "idle", "refused", "unavailable", "lost"}[o]
}

// Healthy reports whether the outcome leaves the entry in good health.
func (o Outcome) Healthy() bool { return o != Refused }

// A Poll is one answered request for a job.
type Poll struct {
	Outcome Outcome
	// Job is the one that was received, else nil.
	Job *Job
	// Err tells why there is none, nil for Idle.
	Err error
	// Troubled tells that an answer had a status after which a request is sent
	// again.
	Troubled bool
}

// RequestJob asks for a job for an entry.
func (c *Client) RequestJob(ctx context.Context, r Runner, systemID string) Poll {
	to := r.Credentials()
	var body json.RawMessage
	res, err := c.doJSON(ctx, to, jsonCall{
		method: http.MethodPost, path: "jobs/request", header: runnerToken(r.Token),
		in: struct {
			Info       Info   `json:"info"`
			Token      string `json:"token"`
			SystemID   string `json:"system_id"`
			LastUpdate string `json:"last_update,omitempty"`
		}{c.info, r.Token, systemID, c.LastUpdate(to)},
		out: &body, want: http.StatusCreated,
	})
	p := Poll{Err: err, Troubled: res.troubled}
	switch Status(err) {
	case http.StatusNoContent:
		p.Outcome, p.Err = Idle, nil
	case http.StatusForbidden:
		p.Outcome = Refused
	case http.StatusServiceUnavailable:
		p.Outcome = Unavailable
	case 0:
		p.take(body)
	}
	return p
}

// take reads the job that was handed out, if that was.
func (p *Poll) take(body json.RawMessage) {
	if p.Err == nil {
		p.Job, p.Err = DecodeJob(body)
	} else if _, ok := errors.AsType[*AnswerError](p.Err); !ok {
		return // no answer at all
	}
	p.Outcome = Received
	if p.Err != nil {
		p.Outcome = Lost
	}
}
