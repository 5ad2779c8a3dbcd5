package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"baton.example/baton"
)

// drawn reads "build:0 success", "b:1 created needs=a,c when=always allowed".
func drawn(t *testing.T, text string) baton.Job {
	t.Helper()
	words := strings.Fields(text)
	j := baton.Job{Starts: baton.StartOnSuccess, Status: baton.JobStatus(words[1])}
	if _, err := fmt.Sscanf(strings.Replace(words[0], ":", " ", 1), "%s %d", &j.Name, &j.StagePosition); err != nil {
		t.Fatal(err)
	}
	for _, word := range words[2:] {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "needs":
			j.Needs = strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
			if j.Needs == nil {
				j.Needs = []string{}
			}
		case "when":
			j.Starts = baton.JobStart(value)
		case "allowed":
			j.AllowFailure = true
		default:
			t.Fatalf("what is %q", word)
		}
	}
	return j
}

func TestAdvance(t *testing.T) {
	for _, tt := range []struct{ name, jobs, moved, status string }{
		{"the first stage begins", "a:0 created; b:1 created", "a pending", "pending"},
		{"a stage waits for all before", "a:0 success; b:0 running; c:1 created", "", "running"},
		{"a stage after success", "a:0 success; b:1 created", "b pending", "running"},
		{"nothing after a failure", "a:0 failed; b:1 created", "b skipped", "failed"},
		{"what was skipped skips on", "a:0 failed; b:1 created; c:2 created", "b skipped, c skipped", "failed"},
		{"but on_failure and always run", "a:0 failed; b:1 created when=on_failure; c:1 created when=always", "b pending, c pending", "running"},
		{"on_failure is skipped after success", "a:0 success; b:1 created when=on_failure", "b skipped", "success"},
		{"a failure that is allowed", "a:0 failed allowed; b:1 created", "b pending", "pending"},
		{"always does not run after a cancel", "a:0 canceled; b:1 created when=always", "b skipped", "canceled"},
		{"a manual job that blocks", "a:0 created when=manual; b:1 created", "a manual", "manual"},
		{"a manual job that does not", "a:0 created when=manual allowed; b:1 created", "a manual, b pending", "pending"},
		{"a manual job after a failure", "a:0 failed; b:1 created when=manual allowed", "b skipped", "failed"},
		{"only manual jobs left", "a:0 success; b:1 manual allowed", "", "success"},
		{"a need in the same stage", "a:0 success; b:1 running; c:1 created needs=a", "c pending", "running"},
		{"a need that runs", "a:0 running; c:1 created needs=a", "", "running"},
		{"a need that failed", "a:0 failed; c:1 created needs=a", "c skipped", "failed"},
		{"a need that was skipped", "a:0 skipped; c:1 created needs=a", "c skipped", "skipped"},
		{"a need to be played", "a:0 manual allowed; c:1 created needs=a", "c skipped", "skipped"},
		{"a need that is not there", "c:1 created needs=ghost", "c pending", "pending"},
		{"no needs at all", "a:0 running; c:1 created needs=", "c pending", "running"},
		{"a skipped stage is no reason", "a:0 skipped; b:1 created", "b pending", "pending"},
		{"canceling", "a:0 canceling; b:0 canceled", "", "canceling"},
		{"everything done", "a:0 success; b:1 success", "", "success"},
		{"a warning at the end", "a:0 success; b:1 failed allowed", "", "success"},
		{"canceled and failed", "a:0 failed; b:1 canceled", "", "failed"},
		{"nothing", "", "", "skipped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var jobs []baton.Job
			for text := range strings.SplitSeq(tt.jobs, ";") {
				if strings.TrimSpace(text) != "" {
					jobs = append(jobs, drawn(t, text))
				}
			}
			moved, status := advance(jobs)
			var names []string
			for _, j := range moved {
				names = append(names, j.Name+" "+string(j.Status))
			}
			if got := strings.Join(names, ", "); got != tt.moved || string(status) != tt.status {
				t.Errorf("moved %q, %s; want %q, %s", got, status, tt.moved, tt.status)
			}
		})
	}
}

// TestAdvanceInAnyOrder lets the jobs of a random pipeline end as was drawn for
// each, in two random orders. Both end with the same states: who finishes first
// decides nothing. Nothing waits for ever, and every step is one of the state
// machine's.
func TestAdvanceInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		jobs := drawPipeline(t)
		ends := make(map[string]baton.JobStatus)
		for _, j := range jobs {
			ends[j.Name] = rapid.SampledFrom([]baton.JobStatus{baton.JobSuccess, baton.JobSuccess, baton.JobFailed}).Draw(t, "end of "+j.Name)
		}
		first, firstStatus := finish(t, jobs, ends, "first")
		second, secondStatus := finish(t, jobs, ends, "second")
		if firstStatus != secondStatus {
			t.Fatalf("the pipeline ends as %s or %s", firstStatus, secondStatus)
		}
		for i := range first {
			if first[i].Status != second[i].Status {
				t.Fatalf("job %s ends as %s or %s", first[i].Name, first[i].Status, second[i].Status)
			}
			if s := first[i].Status; !s.Complete() && s != baton.JobManual && (s != baton.JobCreated || firstStatus != baton.PipelineManual) {
				t.Fatalf("job %s is %s for ever, the pipeline %s", first[i].Name, s, firstStatus)
			}
		}
	})
}

func drawPipeline(t *rapid.T) []baton.Job {
	jobs := make([]baton.Job, rapid.IntRange(1, 8).Draw(t, "jobs"))
	for i := range jobs {
		j := &jobs[i]
		j.Name, j.Status = fmt.Sprintf("j%d", i), baton.JobCreated
		j.StagePosition = rapid.IntRange(0, 3).Draw(t, "stage")
		j.Starts = rapid.SampledFrom([]baton.JobStart{baton.StartOnSuccess, baton.StartOnSuccess, baton.StartOnFailure, baton.StartAlways, baton.StartManual}).Draw(t, "starts")
		j.AllowFailure = rapid.Bool().Draw(t, "allow failure")
		if rapid.Bool().Draw(t, "has needs") {
			j.Needs = []string{}
			for k := range i {
				if jobs[k].StagePosition <= j.StagePosition && rapid.Bool().Draw(t, "needs") {
					j.Needs = append(j.Needs, jobs[k].Name)
				}
			}
		}
	}
	return jobs
}

// finish lets pending jobs end one after the other.
func finish(t *rapid.T, jobs []baton.Job, ends map[string]baton.JobStatus, order string) ([]baton.Job, baton.PipelineStatus) {
	jobs = slices.Clone(jobs)
	at := make(map[string]int)
	for i, j := range jobs {
		at[j.Name] = i
	}
	for {
		moved, status := advance(jobs)
		for _, m := range moved {
			j := &jobs[at[m.Name]]
			if !j.Status.May(m.Status) {
				t.Fatalf("job %s goes from %s to %s", m.Name, j.Status, m.Status)
			}
			j.Status = m.Status
		}
		var ready []int
		for i, j := range jobs {
			if j.Status == baton.JobPending {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 {
			return jobs, status
		}
		j := &jobs[rapid.SampledFrom(ready).Draw(t, order)]
		j.Status = ends[j.Name]
	}
}
