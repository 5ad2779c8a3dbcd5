package app

import (
	"strings"
	"testing"

	"baton.example/baton"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	secret := baton.NewSecret
	tests := []struct {
		name   string
		config Config
		want   []string // the beginnings of the problems
	}{
		{name: "nothing"},
		{name: "everything", config: Config{
			DatabaseURL: secret("postgresql://db/baton"), SecretKeyFile: "key", CertFile: "cert", KeyFile: "key",
			ExternalURL: "https://example.com/baton/", RootToken: secret("glpat-at-least-20-characters"), RootPassword: secret("12345678"),
		}},
		{
			name: "all at once", config: Config{
				KeyFile: "key", DatabaseURL: secret("host=db"), ExternalURL: "example.com",
				RootToken: secret("hunter2"), RootPassword: secret("hunter2"),
			},
			want: []string{"TLS needs", "BATON_DATABASE_URL must begin", "with PostgreSQL, name the secret key", "the external URL", "BATON_ROOT_TOKEN", "BATON_ROOT_PASSWORD: Password is too short"},
		},
		{name: "token with a space", config: Config{RootToken: secret("glpat-at-least 20 characters")}, want: []string{"BATON_ROOT_TOKEN"}},
		{name: "URL with a query", config: Config{ExternalURL: "https://example.com/?a=b"}, want: []string{"the external URL"}},
		{name: "URL with a user", config: Config{ExternalURL: "https://root:hunter2@example.com"}, want: []string{"the external URL"}},
		{name: "URL of another kind", config: Config{ExternalURL: "ftp://example.com"}, want: []string{"the external URL"}},
		{name: "URL without a host", config: Config{ExternalURL: "https:///baton"}, want: []string{"the external URL"}},
	}
	for _, tt := range tests {
		var got []string
		if err := tt.config.Validate(); err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("%s: got %q, want %q", tt.name, got[i], want)
			}
			if strings.Contains(got[i], "hunter2") {
				t.Errorf("%s: a secret is in %q", tt.name, got[i])
			}
		}
	}
}

func TestExternalURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		config     Config
		addr, want string
	}{
		{Config{}, "127.0.0.1:8080", "http://127.0.0.1:8080"},
		{Config{}, "[::]:8080", "http://localhost:8080"},
		{Config{}, "0.0.0.0:8080", "http://localhost:8080"},
		{Config{}, "[::1]:8080", "http://[::1]:8080"},
		{Config{CertFile: "cert"}, "10.0.0.5:443", "https://10.0.0.5:443"},
		{Config{ExternalURL: "https://example.com/baton/"}, "127.0.0.1:8080", "https://example.com/baton"},
	}
	for _, tt := range tests {
		got, err := tt.config.externalURL(tt.addr)
		if err != nil || got.String() != tt.want {
			t.Errorf("%s at %s: %v, %v, want %s", tt.config.ExternalURL, tt.addr, got, err, tt.want)
		}
	}
}
