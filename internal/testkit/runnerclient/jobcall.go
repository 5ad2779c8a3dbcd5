package runnerclient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A jobCall is one call about a job that the runner holds: which job, and the
// entry that received it.
type jobCall struct {
	runner Runner
	id     int64
	token  string
}

func (j jobCall) path(rest string) string { return "jobs/" + strconv.FormatInt(j.id, 10) + rest }

func (j jobCall) header() http.Header {
	h := http.Header{}
	h.Set("Job-Token", j.token)
	return h
}

// A verdict is what an answer means for the job.
type verdict int

const (
	// failed: it is tried again.
	failed verdict = iota
	// accepted: the server has it.
	accepted
	// later: the server has the final state, but is not done with the log.
	later
	// mismatch: the server has another log, as far as the offset of the answer.
	mismatch
	// absent: there is no such job.
	absent
	// over: the job has ended for the server.
	over
)

// A jobAnswer is what is heard of a job.
type jobAnswer struct {
	verdict verdict
	// offset is where the log goes on after a mismatch.
	offset int
	// canceling tells that the job is to end by itself, after its after_script.
	canceling bool
	// interval is how often to call, 0 if it is as before.
	interval time.Duration
}

// maxInterval is the longest update interval that is followed.
const maxInterval = 15 * time.Minute

// newJobAnswer reads the headers.
func newJobAnswer(status int, h http.Header) jobAnswer {
	var a jobAnswer
	if seconds, err := strconv.Atoi(h.Get("X-GitLab-Trace-Update-Interval")); err == nil && seconds > 0 {
		a.interval = min(time.Duration(seconds)*time.Second, maxInterval)
	}
	switch h.Get("Job-Status") {
	case "canceling":
		a.canceling = true
	case "canceled", "failed":
		a.verdict = over
		return a
	}
	if status == http.StatusForbidden {
		a.verdict = over
	}
	return a
}

// The states that a job is reported in.
const (
	running = "running"
	success = "success"
	failure = "failed"
)

// A jobUpdate is the body of PUT /jobs/:id but for who sends it.
type jobUpdate struct {
	Info          Info   `json:"info"`
	Token         string `json:"token"`
	State         string `json:"state"`
	FailureReason string `json:"failure_reason,omitempty"`
	Checksum      string `json:"checksum,omitempty"`
	Output        output `json:"output"`
	ExitCode      int    `json:"exit_code,omitempty"`
}

// output is what the log amounts to.
type output struct {
	Checksum string `json:"checksum,omitempty"`
	Bytesize int    `json:"bytesize,omitempty"`
}

// updateJob reports a state.
func (c *Client) updateJob(ctx context.Context, j jobCall, u jobUpdate) jobAnswer {
	u.Info, u.Token = c.info, j.token
	res, err := c.doJSON(ctx, j.runner.Credentials(), jsonCall{
		method: http.MethodPut, path: j.path(""), header: j.header(), in: u, want: http.StatusOK,
	})
	status := Status(err)
	a := newJobAnswer(status, res.header)
	switch {
	case err == nil && u.State != running:
		a.verdict = accepted // whatever Job-Status says of a job that has ended
	case a.verdict == over:
	case err == nil:
		a.verdict = accepted
	case status == http.StatusAccepted:
		a.verdict = later
	case status == http.StatusPreconditionFailed:
		a.verdict = mismatch
	case status == http.StatusNotFound:
		a.verdict = absent
	}
	return a
}

// patchTrace appends to the log what stands there from the offset on.
func (c *Client) patchTrace(ctx context.Context, j jobCall, offset int, content []byte, debug bool) jobAnswer {
	header := j.header()
	header.Set("Content-Type", "text/plain")
	header.Set("Content-Range", fmt.Sprintf("%d-%d", offset, offset+len(content)-1))
	answer, _, err := c.send(ctx, request{
		method:  http.MethodPatch,
		address: j.runner.Credentials().endpoint(j.path("/trace"), url.Values{"debug_trace": {strconv.FormatBool(debug)}}),
		header:  header, length: int64(len(content)),
		body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	})
	if err != nil {
		return jobAnswer{}
	}
	defer discard(answer)
	a := newJobAnswer(answer.StatusCode, answer.Header)
	switch {
	case a.verdict == over:
	case answer.StatusCode == http.StatusAccepted:
		a.verdict = accepted
	case answer.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		a.verdict, a.offset = mismatch, rangeEnd(answer.Header.Get("Range"))
	case answer.StatusCode == http.StatusNotFound:
		a.verdict = absent
	}
	return a
}

// rangeEnd returns N of "0-N", 0 for anything else.
func rangeEnd(text string) int {
	end, found := strings.CutPrefix(text, "0-")
	n, err := strconv.Atoi(end)
	if !found || err != nil || n < 0 {
		return 0
	}
	return n
}
