package runnerclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"
)

// The program's patience with artifacts.
const (
	artifactPause       = time.Second
	uploadTries         = 3
	unavailableTries    = 6 // while the store behind the server is away
	downloadTries       = 3
	defaultArtifactName = "artifacts"
)

// Upload sends an artifact of the job, of which open returns the content, from
// its beginning every time. It goes out as one part of a form whose length
// nobody knows ahead. A [StatusError] of 403 or 413 is final.
func (run *JobRun) Upload(ctx context.Context, a Artifact, open func() (io.ReadCloser, error)) error {
	query := url.Values{}
	for name, value := range map[string]string{"artifact_type": a.Type, "artifact_format": a.Format, "expire_in": a.ExpireIn} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for try := 1; ; try++ {
		err := run.client.upload(ctx, run.call, query, fileName(a), open)
		most := uploadTries
		switch Status(err) {
		case http.StatusForbidden, http.StatusRequestEntityTooLarge:
			most = try
		case http.StatusServiceUnavailable:
			most = unavailableTries
		}
		if err == nil {
			return nil
		}
		if try >= most {
			return fmt.Errorf("upload artifact: %w", err)
		}
		if err := sleep(ctx, artifactPause); err != nil {
			return err
		}
	}
}

// fileName returns what the file is called.
func fileName(a Artifact) string {
	name := a.Name
	if name == "" {
		name = defaultArtifactName
	}
	switch a.Format {
	case "", "zip":
		return name + ".zip"
	case "gzip":
		return name + ".gz"
	default:
		return name
	}
}

func (c *Client) upload(ctx context.Context, j jobCall, query url.Values, name string, open func() (io.ReadCloser, error)) error {
	// The same boundary every time: the header is sent again with the body.
	boundary := multipart.NewWriter(io.Discard).Boundary()
	header := j.header()
	header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	answer, _, err := c.send(ctx, request{
		method: http.MethodPost, address: j.runner.Credentials().endpoint(j.path("/artifacts"), query), header: header, length: -1,
		body: func() (io.ReadCloser, error) {
			file, err := open()
			if err != nil {
				return nil, err
			}
			form, to := io.Pipe()
			go func() { to.CloseWithError(writeForm(to, boundary, name, file)) }()
			return form, nil
		},
	})
	if err != nil {
		return err
	}
	defer discard(answer)
	if answer.StatusCode != http.StatusCreated {
		return newStatusError(answer)
	}
	return nil
}

func writeForm(to io.Writer, boundary, name string, file io.ReadCloser) (err error) {
	defer func() { err = errors.Join(err, file.Close()) }()
	form := multipart.NewWriter(to)
	if err := form.SetBoundary(boundary); err != nil {
		return err
	}
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, file); err != nil {
		return err
	}
	return form.Close()
}

// Download returns the artifacts of a job that this one depends on. A
// [StatusError] of 401, 403 or 404 is final.
func (run *JobRun) Download(ctx context.Context, d Dependency) (io.ReadCloser, error) {
	direct := run.Runner.flag(FFDirectDownload, true)
	for try := 1; ; try++ {
		body, err := run.client.download(ctx, jobCall{run.Runner, d.ID, d.Token}, direct)
		if err == nil {
			return body, nil
		}
		switch Status(err) {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			return nil, fmt.Errorf("download artifacts: %w", err)
		}
		if try == downloadTries {
			return nil, fmt.Errorf("download artifacts: %w", err)
		}
		if err := sleep(ctx, artifactPause); err != nil {
			return nil, err
		}
		direct = false
	}
}

// download asks once. Directly means that the server may name another place,
// which is looked at before it is gone to.
func (c *Client) download(ctx context.Context, j jobCall, direct bool) (io.ReadCloser, error) {
	query := url.Values{}
	if direct {
		query.Set("direct_download", "true")
	}
	r := request{
		method: http.MethodGet, address: j.runner.Credentials().endpoint(j.path("/artifacts"), query), header: j.header(), stay: direct,
	}
	answer, _, err := c.send(ctx, r)
	if err == nil && direct && (answer.StatusCode == http.StatusFound || answer.StatusCode == http.StatusTemporaryRedirect) {
		discard(answer)
		r.stay = false
		answer, _, err = c.send(ctx, r) //nolint:bodyclose // who is given the body closes it
	}
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer discard(answer)
		return nil, newStatusError(answer)
	}
	return answer.Body, nil
}
