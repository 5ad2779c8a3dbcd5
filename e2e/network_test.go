package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// TestTLS serves with a certificate from files.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	roots := certificate(t, dir)
	p := start(t, setup{args: []string{
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"),
	}})
	if !strings.HasPrefix(p.url, "https://127.0.0.1:") {
		t.Fatalf("the address is %s", p.url)
	}
	secure := &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
	}}
	gl := dial(t, p.url, p.root, gitlab.WithHTTPClient(secure))
	made := must(gl.Users.CreateUserRunner(instanceRunner()))(t)
	checkToken(t, gl, made)

	resp, err := secure.Get(p.url + "/-/liveness")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("%s over TLS %x", resp.Proto, resp.TLS.Version)
	}
	// Who speaks HTTP is told, and who knows no TLS but an old one is not let in.
	if status, body := fetch(t, client, "http://"+p.addr()+"/-/liveness"); status != http.StatusBadRequest {
		t.Errorf("HTTP: %d %s", status, body)
	}
	old := &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", p.addr(), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 works")
	}
}

// certificate writes cert.pem and key.pem for 127.0.0.1 and returns who trusts
// them.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "baton"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, dir, "cert.pem", string(cert))
	write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return roots
}

// TestBehindProxy puts a reverse proxy in front, with Baton below a path.
func TestBehindProxy(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]bool{"that cuts the path": true, "that leaves the path": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var forward httputil.ReverseProxy
			proxy := httptest.NewServer(&forward)
			defer proxy.Close()
			external := proxy.URL + "/ci/baton"
			// What the program says is the external URL, so the address that
			// it listens on has to be known before.
			addr := freeAddr(t)
			forward.Rewrite = func(pr *httputil.ProxyRequest) {
				pr.Out.URL.Scheme, pr.Out.URL.Host = "http", addr
				if cut {
					pr.Out.URL.Path = strings.TrimPrefix(pr.In.URL.Path, "/ci/baton")
					pr.Out.URL.RawPath = strings.TrimPrefix(pr.In.URL.RawPath, "/ci/baton")
				}
				pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
				pr.SetXForwarded()
			}
			p := start(t, setup{listen: addr, args: []string{
				"--external-url", external + "/", "--trusted-proxies", "127.0.0.1,10.0.0.0/8",
			}})
			if p.url != external {
				t.Fatalf("the program says that it is at %s", p.url)
			}
			w := newWorld(p) // through the proxy
			acme := w.group("acme", nil)
			tools := w.group("tools", acme)
			if want := external + "/groups/acme/tools"; tools.WebURL != want {
				t.Errorf("web_url %s, want %s", tools.WebURL, want)
			}
			if got := must(w.root.Groups.GetGroup("acme/tools", nil))(t); got.ID != tools.ID {
				t.Errorf("group by its path: %d", got.ID)
			}
			app := w.project(tools)
			if got := must(w.root.Projects.GetProject("acme/tools/app", nil))(t); got.ID != app.ID || got.WebURL != external+"/acme/tools/app" {
				t.Errorf("project by its path: %d %s", got.ID, got.WebURL)
			}

			// The client says who it is called by; the proxy adds whom it is
			// called by; what stands to the left of that is the client's tale.
			from := gitlab.WithHeader("X-Forwarded-For", "1.2.3.4, 203.0.113.7, 10.1.2.3")
			for range 3 {
				must(w.root.Users.CreateUserRunner(instanceRunner(), from))(t)
			}
			if ip := value[string](p, "SELECT ip FROM audit_events WHERE name = 'ci_runner_created' ORDER BY id LIMIT 1"); ip != "203.0.113.7" {
				t.Errorf("the audit event says that the request came from %s", ip)
			}
			logged := regexp.MustCompile(`path=\S*/api/v4/user/runners status=201 .* remote_ip=203\.0\.113\.7 `)
			p.waitFor("the log says where the request came from", func() bool { return logged.MatchString(p.log.String()) })
			made := must(w.root.Users.CreateUserRunner(instanceRunner()))(t)
			contact(t, external, made.Token, http.Header{"X-Forwarded-For": {"203.0.113.8"}})
			if ip := value[string](p, "SELECT ip FROM runner_managers WHERE runner_id = ?", made.ID); ip != "203.0.113.8" {
				t.Errorf("the runner's manager is at %s", ip)
			}

			// Lists are read by following Link.
			seen := 0
			next := external + "/api/v4/runners/all?per_page=3"
			for pages := 0; next != ""; pages++ {
				if pages == 3 || !strings.HasPrefix(next, external+"/api/v4/runners/all?") {
					t.Fatalf("page %d is at %s", pages+1, next)
				}
				req, err := http.NewRequest(http.MethodGet, next, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Private-Token", p.root)
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d %s", next, resp.StatusCode, body)
				}
				seen += bytes.Count(body, []byte(`"runner_type"`))
				next = link(resp.Header.Get("Link"), "next")
			}
			if seen != 4 {
				t.Errorf("the pages have %d runners, want 4", seen)
			}

			// The page below the path shows the address below the path.
			status, page := fetch(t, client, external+"/")
			if status != http.StatusOK || !strings.Contains(page, external+"/api/v4/user/runners") {
				t.Errorf("the page: %d\n%s", status, page)
			}
			for _, ref := range refs.FindAllStringSubmatch(page, -1) {
				base, u := must2(url.Parse(external+"/"))(t), must2(url.Parse(ref[1]))(t)
				at := base.ResolveReference(u).String()
				if !strings.HasPrefix(at, proxy.URL) {
					continue // documentation elsewhere
				}
				if status, _ := fetch(t, client, at); status != http.StatusOK {
					t.Errorf("%s in the page: %d", ref[1], status)
				}
			}
			// Metrics are for who called the proxy, not for the proxy.
			req, err := http.NewRequest(http.MethodGet, external+"/-/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Forwarded-For", "203.0.113.7")
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound {
				t.Errorf("metrics for 203.0.113.7: %d", resp.StatusCode)
			}
		})
	}
}

// link returns the address that a Link header has for a relation.
func link(header, rel string) string {
	for part := range strings.SplitSeq(header, ", ") {
		if at, found := strings.CutSuffix(part, `>; rel="`+rel+`"`); found {
			return strings.TrimPrefix(at, "<")
		}
	}
	return ""
}

// refs match the addresses in a page.
var refs = regexp.MustCompile(`(?:href|src)="([^"]+)"`)

// freeAddr returns an address that nobody listened on a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// contact does what gitlab-runner does every few seconds.
func contact(t *testing.T, url, token string, header http.Header) {
	t.Helper()
	body := fmt.Sprintf(`{"info":{"name":"gitlab-runner","version":"18.5.0","revision":"bda84871","platform":"linux",`+
		`"architecture":"amd64","executor":"shell","shell":"bash","features":{"variables":true,"cancelable":true},`+
		`"config":{"gpus":""}},"token":%q,"system_id":"s_0123456789ab","last_update":""}`, token)
	req, err := http.NewRequest(http.MethodPost, url+"/api/v4/jobs/request", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Private-Token", token)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("X-Gitlab-Last-Update") == "" {
		t.Errorf("a runner asks for jobs: %d %v", resp.StatusCode, resp.Header)
	}
}

// TestMetricsAreForFew asks for the metrics from here and there.
func TestMetricsAreForFew(t *testing.T) {
	t.Parallel()
	proxyTo := func(t *testing.T, p *program) string {
		t.Helper()
		target := must2(url.Parse(p.url))(t)
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			pr.SetXForwarded()
		}})
		t.Cleanup(proxy.Close)
		return proxy.URL
	}
	open := start(t, setup{})
	if status, body := open.get("/-/metrics"); status != http.StatusOK || !strings.Contains(body, "baton_build_info") {
		t.Errorf("metrics from this machine: %d %s", status, body)
	}
	// Everybody on the internet would come from 127.0.0.1.
	if status, body := fetch(t, client, proxyTo(t, open)+"/-/metrics"); status != http.StatusNotFound || strings.Contains(body, "baton_") {
		t.Errorf("metrics through a proxy that is not named: %d %s", status, body)
	}
	named := start(t, setup{args: []string{"--trusted-proxies", "127.0.0.1", "--metrics-from", "192.0.2.1"}})
	from := func(address string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, named.url+"/-/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", address)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := from("192.0.2.1"); got != http.StatusOK {
		t.Errorf("metrics for an address that is named: %d", got)
	}
	if got := from("192.0.2.2"); got != http.StatusNotFound {
		t.Errorf("metrics for an address that is not named: %d", got)
	}
	if status, _ := named.get("/-/metrics"); status != http.StatusOK {
		t.Errorf("metrics from this machine, with others named: %d", status)
	}
	for path, want := range map[string]int{"/-/liveness": 200, "/-/readiness": 200, "/-/health": 200, "/-/other": 404} {
		if status, body := named.get(path); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestLimits sends too much, and too slowly.
func TestLimits(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	head := "POST /api/v4/user/runners HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nPrivate-Token: " + p.root + "\r\n"
	large := `{"runner_type":"instance_type","description":"` + strings.Repeat("x", 1<<20) + `"}`

	t.Run("body", func(t *testing.T) {
		t.Parallel()
		l := open(t, p.addr())
		go func() {
			_, _ = io.WriteString(l.conn, head+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(large), large))
		}()
		if _, body := l.answer(http.StatusRequestEntityTooLarge); !strings.Contains(body, "413") {
			t.Errorf("answer %s", body)
		}
	})
	t.Run("chunked body", func(t *testing.T) {
		t.Parallel()
		l := open(t, p.addr())
		go func() {
			_, _ = io.WriteString(l.conn, head+"Transfer-Encoding: chunked\r\n\r\n")
			for range 40 {
				_, _ = fmt.Fprintf(l.conn, "%x\r\n%s\r\n", 1<<15, strings.Repeat(" ", 1<<15))
			}
			_, _ = io.WriteString(l.conn, "0\r\n\r\n")
		}()
		l.answer(http.StatusRequestEntityTooLarge)
	})
	t.Run("body without a token", func(t *testing.T) {
		t.Parallel()
		l := open(t, p.addr())
		go func() {
			_, _ = io.WriteString(l.conn, fmt.Sprintf("POST /api/v4/runners/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(large), large))
		}()
		l.answer(http.StatusRequestEntityTooLarge)
	})
	t.Run("headers", func(t *testing.T) {
		t.Parallel()
		l := open(t, p.addr())
		go func() { _, _ = io.WriteString(l.conn, head+"X-Large: "+strings.Repeat("x", 128<<10)+"\r\n\r\n") }()
		l.answer(http.StatusRequestHeaderFieldsTooLarge)
	})
	t.Run("slow headers", func(t *testing.T) {
		t.Parallel()
		l := open(t, p.addr())
		began := time.Now()
		l.send("POST /api/v4/user/runners HTTP/1.1\r\n")
		// The server closes the connection without waiting for the rest.
		if text, err := io.ReadAll(l.in); err != nil || len(text) > 0 && !strings.HasPrefix(string(text), "HTTP/1.1 408") {
			t.Errorf("after %v: %q, %v", time.Since(began), text, err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 20*time.Second {
			t.Errorf("the connection was closed after %v, want about 10 s", took)
		}
	})
	t.Cleanup(func() {
		if n := newWorld(p).runners(); n != 0 {
			t.Errorf("%d runners were made", n)
		}
	})
}

// must2 returns what a function returned, if that is no error.
func must2[T any](v T, err error) func(*testing.T) T {
	return must(v, nil, err)
}
