package runnerclient_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/testkit/runnerclient"
)

// told writes down what was said of a job: when, and in which words.
func (f *fake) told(began time.Time) []string {
	var all []string
	for _, e := range f.requests() {
		what := e.method
		switch e.method {
		case http.MethodPatch:
			what += " " + e.header.Get("Content-Range") + " " + e.body
		case http.MethodPut:
			what += " " + strings.Trim(e.field("state"), `"`)
			if reason := e.field("failure_reason"); reason != "" {
				what += " " + strings.Trim(reason, `"`)
			}
			if code := e.field("exit_code"); code != "" {
				what += " " + code
			}
			if out := e.field("output"); out != "{}" {
				what += " " + out
			}
		}
		all = append(all, fmt.Sprint(e.at.Sub(began), " ", what))
	}
	return all
}

// sum returns the output of a report about a log.
func sum(log string) string {
	return fmt.Sprintf(`{"checksum":"crc32:%08x","bytesize":%d}`, crc32.ChecksumIEEE([]byte(log)), len(log))
}

// empty is what a report says of a log in which nothing was written.
const empty = `{"checksum":"crc32:00000000"}`

// job returns the smallest job with other fields.
func job(t *testing.T, fields string) *runnerclient.Job {
	t.Helper()
	j, err := runnerclient.DecodeJob([]byte(strings.TrimSuffix(smallest, "}") + fields + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// A script is a job that writes and waits in turn.
func script(steps ...any) func(context.Context, *runnerclient.JobRun) runnerclient.Result {
	return func(ctx context.Context, run *runnerclient.JobRun) runnerclient.Result {
		for _, step := range steps {
			switch step := step.(type) {
			case string:
				_, _ = io.WriteString(run, step)
			case time.Duration:
				select {
				case <-time.After(step):
				case <-run.Canceling():
				case <-ctx.Done():
					return runnerclient.Result{}
				}
			case runnerclient.Result:
				return step
			}
		}
		return runnerclient.Result{}
	}
}

// on answers by method: PUT and PATCH each with one after the other.
func on(put, patch []reply) func(exchange) reply {
	puts, patches := inTurn(put...), inTurn(patch...)
	return func(e exchange) reply {
		if e.method == http.MethodPatch {
			return patches(e)
		}
		return puts(e)
	}
}

func with(status int, header ...string) reply {
	r := reply{status: status, header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		r.header[header[i]] = header[i+1]
	}
	return r
}

func TestJobs(t *testing.T) {
	t.Parallel()
	const second = time.Second
	ok, taken := []reply{with(200)}, []reply{with(202)}
	for name, tt := range map[string]struct {
		answer func(exchange) reply
		fields string
		work   func(context.Context, *runnerclient.JobRun) runnerclient.Result
		want   []string
		fails  bool
	}{
		"a log that grows": {
			answer: on(ok, taken),
			work:   script("one ", 4*second, "two ", 4*second, "three"),
			want: []string{
				"0s PUT running", "3s PATCH 0-3 one ", "6s PATCH 4-7 two ",
				"8s PATCH 8-12 three", "8s PUT success " + sum("one two three"),
			},
		},
		"a failure": {
			answer: on(ok, taken),
			work:   script(runnerclient.Result{FailureReason: runnerclient.ScriptFailure, ExitCode: 3}),
			want:   []string{"0s PUT running", "0s PUT failed script_failure 3 " + empty},
		},
		"a silent job": {
			answer: on(ok, taken),
			work:   script("x", 70*second),
			want: []string{
				"0s PUT running", "3s PATCH 0-0 x", "36s PUT running " + sum("x"), "1m9s PUT running " + sum("x"),
				"1m10s PUT success " + sum("x"),
			},
		},
		"the pace of the server": {
			answer: on(ok, []reply{with(202, "X-GitLab-Trace-Update-Interval", "60"), with(202, "X-GitLab-Trace-Update-Interval", "86400"), with(202, "X-GitLab-Trace-Update-Interval", "0")}),
			work:   script("a", 10*second, "b", 100*second, "c", 1000*second, "d"),
			want: []string{
				"0s PUT running", "3s PATCH 0-0 a", "1m3s PATCH 1-1 b", "16m3s PATCH 2-2 c",
				"18m30s PATCH 3-3 d", "18m30s PUT success " + sum("abcd"),
			},
		},
		"a log that the server has less of": {
			answer: on(ok, []reply{with(202), with(416, "Range", "0-2"), with(202)}),
			work:   script("abcd", 4*second, "ef", 10*second),
			want: []string{
				"0s PUT running", "3s PATCH 0-3 abcd", "6s PATCH 4-5 ef", "9s PATCH 2-5 cdef", "14s PUT success " + sum("abcdef"),
			},
		},
		"a log that the server has more of": {
			answer: on(ok, []reply{with(416, "Range", "0-99"), with(202)}),
			work:   script("abcd", 10*second),
			want:   []string{"0s PUT running", "3s PATCH 0-3 abcd"},
			fails:  true,
		},
		"a range of another form": {
			answer: on(ok, []reply{with(202), with(416, "Range", "bytes=0-2"), with(202)}),
			work:   script("ab", 4*second, "cd", 7*second),
			want:   []string{"0s PUT running", "3s PATCH 0-1 ab", "6s PATCH 2-3 cd", "9s PATCH 0-3 abcd", "11s PUT success " + sum("abcd")},
		},
		"a log whose server is busy": {
			answer: on(ok, []reply{with(409), with(404), with(202)}),
			work:   script("a", 10*second),
			want:   []string{"0s PUT running", "3s PATCH 0-0 a", "6s PATCH 0-0 a", "9s PATCH 0-0 a", "10s PUT success " + sum("a")},
		},
		"a log that nobody wants": {
			answer: on(ok, []reply{with(404)}),
			work:   script("a"),
			want:   []string{"0s PUT running", "0s PATCH 0-0 a", "0s PUT success " + sum("a")},
		},
		"canceled gracefully": {
			answer: on(ok, []reply{with(202, "Job-Status", "canceling")}),
			work:   script("a", time.Hour, "after", 4*second),
			want: []string{
				"0s PUT running", "3s PATCH 0-0 a", "3s PATCH 1-5 after",
				"3s PUT failed unknown_failure " + sum("aafter"),
			},
		},
		"canceled gracefully by a server that knows the word": {
			answer: on([]reply{with(200), with(200, "Job-Status", "canceling")}, taken),
			fields: `,"features":{"failure_reasons":["job_canceled"]}`,
			work:   script(time.Hour),
			want:   []string{"0s PUT running", "33s PUT running " + empty, "33s PUT failed job_canceled " + empty},
		},
		"canceled before it began": {
			answer: on([]reply{with(200, "Job-Status", "canceling"), with(200)}, taken),
			work:   script("never"),
			want:   []string{"0s PUT running", "0s PUT failed job_canceled " + empty},
		},
		"gone before it began": {
			answer: on([]reply{with(403)}, taken),
			work:   script("never"),
			want:   []string{"0s PUT running", "0s PUT failed job_canceled " + empty},
		},
		"aborted by a status": {
			answer: on(ok, []reply{with(403)}),
			work:   script("a", time.Hour),
			want:   []string{"0s PUT running", "3s PATCH 0-0 a", "3s PATCH 0-0 a", "3s PUT failed unknown_failure " + sum("a")},
		},
		"aborted by a header": {
			answer: on(ok, []reply{with(202, "Job-Status", "canceled")}),
			work:   script("a", time.Hour),
			want:   []string{"0s PUT running", "3s PATCH 0-0 a", "3s PATCH 0-0 a", "3s PUT failed unknown_failure " + sum("a")},
		},
		"aborted in silence": {
			answer: on([]reply{with(200), with(200, "Job-Status", "failed"), with(403)}, taken),
			work:   script(time.Hour),
			want:   []string{"0s PUT running", "33s PUT running " + empty, "33s PUT failed unknown_failure " + empty},
		},
		"too long": {
			answer: on(ok, taken),
			fields: `,"runner_info":{"timeout":20}`,
			work:   script(time.Hour),
			want:   []string{"0s PUT running", "20s PUT failed job_execution_timeout " + empty},
		},
		"no time named": {
			answer: on([]reply{with(200, "X-GitLab-Trace-Update-Interval", "880"), with(200)}, taken),
			fields: `,"runner_info":{"timeout":0}`,
			work:   script(3 * time.Hour),
			want: []string{
				"0s PUT running", "14m40s PUT running " + empty, "29m20s PUT running " + empty, "44m0s PUT running " + empty,
				"58m40s PUT running " + empty, "1h13m20s PUT running " + empty, "1h28m0s PUT running " + empty,
				"1h42m40s PUT running " + empty, "1h57m20s PUT running " + empty,
				"2h0m0s PUT failed job_execution_timeout " + empty,
			},
		},
		"a log that is stored later": {
			answer: on([]reply{with(200), with(202, "X-GitLab-Trace-Update-Interval", "8"), with(202), with(200, "Job-Status", "failed")}, taken),
			work:   script(),
			want:   []string{"0s PUT running", "0s PUT success " + empty, "8s PUT success " + empty, "11s PUT success " + empty},
		},
		"a log that is another": {
			answer: on([]reply{with(200), with(412), with(200)}, taken),
			work:   script("ab", 4*second, "c"),
			want: []string{
				"0s PUT running", "3s PATCH 0-1 ab", "4s PATCH 2-2 c", "4s PUT success " + sum("abc"),
				"4s PATCH 0-2 abc", "4s PUT success " + sum("abc"),
			},
		},
		"an end that nobody takes": {
			answer: on([]reply{with(200), with(400)}, taken),
			work:   script(),
			want: []string{
				"0s PUT running", "0s PUT success " + empty, "1s PUT success " + empty, "3s PUT success " + empty,
				"7s PUT success " + empty, "15s PUT success " + empty, "31s PUT success " + empty, "1m3s PUT success " + empty,
				"2m7s PUT success " + empty, "4m15s PUT success " + empty, "8m31s PUT success " + empty,
			},
			fails: true,
		},
		"an end that was known": {
			answer: on([]reply{with(200), with(403, "Job-Status", "success")}, taken),
			work:   script(),
			want:   []string{"0s PUT running", "0s PUT success " + empty},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c := serve(t, tt.answer)
				began := time.Now()
				err := c.Do(t.Context(), entry("glrt-a"), job(t, tt.fields), tt.work)
				if (err != nil) != tt.fails {
					t.Error(err)
				}
				if got := f.told(began); !slices.Equal(got, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			})
		})
	}
}

// How calls about a job prove themselves, and where.
func TestJobCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, on([]reply{with(200)}, []reply{with(202)}))
		work := func(_ context.Context, run *runnerclient.JobRun) runnerclient.Result {
			run.SetDebug()
			_, _ = run.Write([]byte("ä"))
			return runnerclient.Result{}
		}
		if err := c.Do(t.Context(), entry("glrt-a"), job(t, ""), work); err != nil {
			t.Fatal(err)
		}
		for _, e := range f.requests() {
			if e.header.Get("Job-Token") != "T" || e.header.Get("Runner-Token") != "" || e.header.Get("X-Request-Id") == "" || e.header.Get("Accept") != "" {
				t.Errorf("%s: headers %v", e.method, e.header)
			}
			switch e.method {
			case http.MethodPut:
				if e.path != "/api/v4/jobs/1" || e.field("token") != `"T"` || e.field("info") == "" {
					t.Errorf("asked %+v", e)
				}
			case http.MethodPatch:
				if e.path != "/api/v4/jobs/1/trace" || e.query != "debug_trace=true" || e.header.Get("Content-Type") != "text/plain" || e.header.Get("Content-Range") != "0-1" {
					t.Errorf("asked %+v", e)
				}
			}
		}
		if e := f.requests()[2]; e.field("checksum") != fmt.Sprintf(`"crc32:%08x"`, crc32.ChecksumIEEE([]byte("ä"))) {
			t.Errorf("the end is told as %s", e.body)
		}
	})
}

// A log goes out in parts of a mebibyte, one each time while it grows.
func TestLongLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, on([]reply{with(200)}, []reply{with(202)}))
		began := time.Now()
		if err := c.Do(t.Context(), entry("glrt-a"), job(t, ""), script(strings.Repeat("x", 3<<20+5), 4*time.Second)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range f.requests() {
			if e.method == http.MethodPatch {
				got = append(got, fmt.Sprint(e.at.Sub(began), " ", e.header.Get("Content-Range"), " ", len(e.body)))
			}
		}
		want := []string{"3s 0-1048575 1048576", "4s 1048576-2097151 1048576", "4s 2097152-3145727 1048576", "4s 3145728-3145732 5"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// A process that ends reports its jobs, once, and waits for nothing.
func TestProcessEndsWithAJob(t *testing.T) {
	t.Parallel()
	for _, last := range []int{200, 202, 409} {
		synctest.Test(t, func(t *testing.T) {
			answer := inTurn(reply{status: 201, body: smallest}, with(200), with(last))
			f, c := serve(t, answer)
			began := time.Now()
			stop := begin(t, &runnerclient.Process{Client: c, Work: script(time.Hour)}, entry("glrt-a"))
			time.Sleep(time.Second)
			stop()
			got := f.told(began)
			want := []string{"0s POST", "0s PUT running", "1s PUT failed runner_system_failure " + empty}
			if !slices.Equal(got, want) || time.Since(began) != time.Second {
				t.Errorf("%d: got %v after %v, want %v", last, got, time.Since(began), want)
			}
		})
	}
}

func TestFailureReasons(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"script_failure":                     "script_failure",
		"runner_system_failure":              "runner_system_failure",
		"job_execution_timeout":              "job_execution_timeout",
		"unknown_failure":                    "unknown_failure",
		"image_pull_failure":                 "runner_system_failure",
		"runner_configuration_error":         "script_failure",
		"runner_external_dependency_failure": "runner_system_failure",
		"runner_interrupted":                 "unknown_failure",
	} {
		for _, known := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				f, c := serve(t, always(with(200)))
				fields := `,"features":{"failure_reasons":[]}`
				want := want
				if known {
					fields, want = fmt.Sprintf(`,"features":{"failure_reasons":[%q]}`, reason), reason
				}
				if err := c.Do(t.Context(), entry("glrt-a"), job(t, fields), script(runnerclient.Result{FailureReason: reason})); err != nil {
					t.Fatal(err)
				}
				if got := strings.Trim(f.requests()[1].field("failure_reason"), `"`); got != want {
					t.Errorf("%s, known %t, is told as %s, want %s", reason, known, got, want)
				}
			})
		}
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		artifact    runnerclient.Artifact
		query, file string
	}{
		{runnerclient.Artifact{}, "", "artifacts.zip"},
		{runnerclient.Artifact{Name: "out", Type: "archive", Format: "zip", ExpireIn: "1 week"}, "artifact_format=zip&artifact_type=archive&expire_in=1+week", "out.zip"},
		{runnerclient.Artifact{Name: "junit.xml", Type: "junit", Format: "gzip"}, "artifact_format=gzip&artifact_type=junit", "junit.xml.gz"},
		{runnerclient.Artifact{Name: "gl-sast-report.json", Type: "sast", Format: "raw"}, "artifact_format=raw&artifact_type=sast", "gl-sast-report.json"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, _ := upload(t, tt.artifact, with(201))
			e := f.requests()[1]
			if e.method+e.path != "POST/api/v4/jobs/1/artifacts" || e.query != tt.query || e.length != -1 || e.header.Get("Job-Token") != "T" {
				t.Errorf("asked %+v", e)
			}
			_, params, err := mime.ParseMediaType(e.header.Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			form := multipart.NewReader(strings.NewReader(e.body), params["boundary"])
			part, err := form.NextPart()
			if err != nil || part.FormName() != "file" || part.FileName() != tt.file {
				t.Fatalf("part %+v, %v", part, err)
			}
			if content, err := io.ReadAll(part); err != nil || string(content) != "content" {
				t.Errorf("uploaded %q, %v", content, err)
			}
			if _, err := form.NextPart(); !errors.Is(err, io.EOF) {
				t.Errorf("a second part: %v", err)
			}
		})
	}
}

// upload does a job that uploads, and returns the error of that.
func upload(t *testing.T, a runnerclient.Artifact, replies ...reply) (*fake, error) {
	t.Helper()
	posts := inTurn(replies...)
	f, c := serve(t, func(e exchange) reply {
		if e.method == http.MethodPut {
			return with(200)
		}
		return posts(e)
	})
	var got error
	if err := c.Do(t.Context(), entry("glrt-a"), job(t, ""), func(ctx context.Context, run *runnerclient.JobRun) runnerclient.Result {
		got = run.Upload(ctx, a, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("content")), nil })
		return runnerclient.Result{}
	}); err != nil {
		t.Fatal(err)
	}
	return f, got
}

func TestUploadTries(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{
		201: 1, 200: 3, 400: 3, 403: 1, 413: 1,
		500: 15, 503: 30, // each try is sent five times
	} {
		synctest.Test(t, func(t *testing.T) {
			f, err := upload(t, runnerclient.Artifact{}, with(status))
			got := f.requests()
			if n := len(got) - 2; n != want || (err == nil) != (status == 201) || status != 201 && runnerclient.Status(err) != status {
				t.Errorf("%d: %d uploads, want %d: %v", status, n, want, err)
			}
			for _, e := range got[1 : len(got)-1] {
				if !strings.Contains(e.body, "content") {
					t.Errorf("%d: uploaded %q", status, e.body)
				}
			}
		})
	}
}

func TestUploadIsRedirected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, err := upload(t, runnerclient.Artifact{}, with(307, "Location", "/elsewhere"), with(201))
		if err != nil {
			t.Fatal(err)
		}
		if e := f.requests()[2]; e.path != "/elsewhere" || !strings.Contains(e.body, "content") {
			t.Errorf("asked %+v", e)
		}
	})
}

func TestDownload(t *testing.T) {
	t.Parallel()
	content := reply{status: 200, body: "content", header: map[string]string{"Content-Type": "application/zip"}}
	const direct, plain = "/api/v4/jobs/7/artifacts?direct_download=true", "/api/v4/jobs/7/artifacts?"
	five := func(target string) []string { return slices.Repeat([]string{target}, 5) }
	for name, tt := range map[string]struct {
		flags   map[string]bool
		replies []reply
		want    []string
		status  int // 0 for success
	}{
		"the bytes":     {replies: []reply{content}, want: []string{direct}},
		"another place": {replies: []reply{with(302, "Location", "/store"), with(302, "Location", "/store"), content}, want: []string{direct, direct, "/store?"}},
		"without the flag": {
			flags: map[string]bool{runnerclient.FFDirectDownload: false}, replies: []reply{content}, want: []string{plain},
		},
		"without the flag, another place": {
			flags:   map[string]bool{runnerclient.FFDirectDownload: false},
			replies: []reply{with(302, "Location", "/store"), content}, want: []string{plain, "/store?"},
		},
		"no right":    {replies: []reply{with(401)}, want: []string{direct}, status: 401},
		"no access":   {replies: []reply{with(403)}, want: []string{direct}, status: 403},
		"none":        {replies: []reply{with(404)}, want: []string{direct}, status: 404},
		"a fault":     {replies: []reply{with(500)}, want: slices.Concat(five(direct), five(plain), five(plain)), status: 500},
		"once odd":    {replies: []reply{with(400), content}, want: []string{direct, plain}},
		"always odd":  {replies: []reply{with(400)}, want: []string{direct, plain, plain}, status: 400},
		"see another": {replies: []reply{with(303, "Location", "/store"), content}, want: []string{direct, plain}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gets := inTurn(tt.replies...)
				f, c := serve(t, func(e exchange) reply {
					if e.method == http.MethodPut {
						return with(200)
					}
					return gets(e)
				})
				r := entry("glrt-a")
				r.FeatureFlags = tt.flags
				if err := c.Do(t.Context(), r, job(t, ""), func(ctx context.Context, run *runnerclient.JobRun) runnerclient.Result {
					body, err := run.Download(ctx, runnerclient.Dependency{ID: 7, Token: "D"})
					if runnerclient.Status(err) != tt.status || (err == nil) != (tt.status == 0) {
						t.Errorf("status %d, want %d: %v", runnerclient.Status(err), tt.status, err)
					}
					if err == nil {
						defer body.Close()
						if got, err := io.ReadAll(body); err != nil || string(got) != "content" {
							t.Errorf("downloaded %q, %v", got, err)
						}
					}
					return runnerclient.Result{}
				}); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, e := range f.requests() {
					if e.method == http.MethodGet {
						got = append(got, e.path+"?"+e.query)
						if e.header.Get("Job-Token") != "D" {
							t.Errorf("%s with %v", e.path, e.header)
						}
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got  %v\nwant %v", got, tt.want)
				}
			})
		})
	}
}
