package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/app"
	"baton.example/baton/internal/clientip"
	"baton.example/baton/internal/telemetry"
)

// databaseFlags say where the data is, for every command that opens it.
type databaseFlags struct {
	DataDir         string `group:"data" env:"BATON_DATA_DIR" default:"./baton-data" placeholder:"DIR" help:"Directory of the SQLite database and the secret key."`
	DatabaseURL     string `group:"data" env:"BATON_DATABASE_URL" placeholder:"URL" help:"PostgreSQL to use instead of SQLite: postgres://user@host/name. A password belongs in the variable or the file, since every user of a machine can read the flags of its programs."`
	DatabaseURLFile string `group:"data" env:"BATON_DATABASE_URL_FILE" placeholder:"FILE" help:"File that holds the database URL."`
	SecretKeyFile   string `group:"data" env:"BATON_SECRET_KEY_FILE" placeholder:"FILE" help:"Key that secrets are sealed under. It is secret.key in the data directory unless named, and has to be named with PostgreSQL."`
}

// logFlags say what is logged.
type logFlags struct {
	LogLevel  string `group:"log" env:"BATON_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error."`
	LogFormat string `group:"log" env:"BATON_LOG_FORMAT" default:"text" enum:"text,json" placeholder:"FORMAT" help:"How log lines are written: text or json."`
}

// config returns the part of the configuration that the flags say.
func (f *databaseFlags) config() (app.Config, error) {
	url, err := secret(f.DatabaseURL, f.DatabaseURLFile)
	if err != nil {
		return app.Config{}, fmt.Errorf("database URL: %w", err)
	}
	return app.Config{DataDir: f.DataDir, DatabaseURL: url, SecretKeyFile: f.SecretKeyFile}, nil
}

func (f *logFlags) logger(std Stdio) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return nil, err
	}
	return telemetry.NewLogger(std.Err, telemetry.LogFormat(f.LogFormat), level)
}

// secret returns a secret that is given as it is or in a file.
func secret(text, file string) (baton.Secret, error) {
	if file == "" {
		return baton.NewSecret(text), nil
	}
	if text != "" {
		return baton.Secret{}, fmt.Errorf("%s: the same secret is given both as a file and by itself: leave one out", file)
	}
	content, err := readFile(file)
	if err != nil {
		return baton.Secret{}, err
	}
	if text = strings.TrimSpace(string(content)); text == "" {
		return baton.Secret{}, fmt.Errorf("%s is empty", file)
	}
	return baton.NewSecret(text), nil
}

type serveCmd struct {
	databaseFlags
	logFlags
	Listen           string        `env:"BATON_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on; :8080 is every address of the machine."`
	ExternalURL      string        `env:"BATON_EXTERNAL_URL" placeholder:"URL" help:"Address that people and clients use, which may have a path; the one that Baton listens on unless given."`
	TrustedProxies   clientip.List `env:"BATON_TRUSTED_PROXIES" placeholder:"CIDR,…" help:"Proxies whose X-Forwarded-For is believed."`
	MetricsFrom      clientip.List `env:"BATON_METRICS_FROM" placeholder:"CIDR,…" help:"Addresses that may read /-/metrics; this machine's loopback always may."`
	TLSCertFile      string        `env:"BATON_TLS_CERT_FILE" placeholder:"FILE" help:"Certificate chain, PEM, to speak TLS with."`
	TLSKeyFile       string        `env:"BATON_TLS_KEY_FILE" placeholder:"FILE" help:"Private key of the certificate, PEM."`
	RootTokenFile    string        `env:"BATON_ROOT_TOKEN_FILE" placeholder:"FILE" help:"Access token to give root at the first start, instead of one that is made and printed."`
	RootPasswordFile string        `env:"BATON_ROOT_PASSWORD_FILE" placeholder:"FILE" help:"Password to give root at the first start, instead of one that is made and printed."`
}

// The secrets that have no flag, since every user of a machine can read the
// flags of its programs.
const (
	rootTokenEnv    = "BATON_ROOT_TOKEN"    //nolint:gosec // the name of a variable
	rootPasswordEnv = "BATON_ROOT_PASSWORD" //nolint:gosec // the name of a variable
)

// Help is the long help of the command.
func (serveCmd) Help() string {
	return `
The first start makes the administrator root and prints its password and access token, once, on
standard output. They can be given instead, in $BATON_ROOT_TOKEN and $BATON_ROOT_PASSWORD or in files;
what is given is not printed. Later starts change nothing and print no secret.

Ctrl-C and SIGTERM let requests that run end; a second signal does not wait for them. Whether Baton
is ready is told at /-/readiness, how it is doing at /-/metrics, and how to begin on the page at /.

Examples:

  baton serve
  BATON_ROOT_TOKEN=glpat-for-my-tests-only baton serve --listen 127.0.0.1:9000
  BATON_DATABASE_URL=postgres://baton:…@db/baton baton serve --secret-key-file /etc/baton/secret.key
  baton serve --listen :8443 --tls-cert-file fullchain.pem --tls-key-file privkey.pem
  baton serve --external-url https://example.com/baton --trusted-proxies 10.0.0.0/8`
}

// Run runs the server until ctx ends.
func (c *serveCmd) Run(ctx context.Context, std Stdio) error {
	config, err := c.appConfig(std)
	if err := errors.Join(err, config.Validate()); err != nil {
		return err
	}
	baton, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer baton.Close()
	if err := welcome(std, baton); err != nil {
		return err
	}
	return baton.Serve(ctx)
}

// appConfig returns the configuration that the flags and variables say, and
// every file that cannot be read.
func (c *serveCmd) appConfig(std Stdio) (app.Config, error) {
	config, urlErr := c.config()
	config.Listen, config.ExternalURL = c.Listen, c.ExternalURL
	config.TrustedProxies, config.MetricsFrom = c.TrustedProxies, c.MetricsFrom
	config.CertFile, config.KeyFile = c.TLSCertFile, c.TLSKeyFile
	var tokenErr, passwordErr, logErr error
	if config.RootToken, tokenErr = secret(std.Getenv(rootTokenEnv), c.RootTokenFile); tokenErr != nil {
		tokenErr = fmt.Errorf("root token: %w", tokenErr)
	}
	if config.RootPassword, passwordErr = secret(std.Getenv(rootPasswordEnv), c.RootPasswordFile); passwordErr != nil {
		passwordErr = fmt.Errorf("root password: %w", passwordErr)
	}
	config.Log, logErr = c.logger(std)
	return config, errors.Join(urlErr, tokenErr, passwordErr, logErr)
}

// welcome tells whoever started Baton how to go on. It is the one place where
// the secrets of the first start are shown.
func welcome(std Stdio, b *app.App) error {
	var text strings.Builder
	first := b.FirstStart()
	if first == nil {
		fmt.Fprintf(&text, "Baton is ready at %s\n", b.URL())
	} else {
		token := "$" + rootTokenEnv
		fmt.Fprintf(&text, "Baton is ready at %s and made the administrator root.\n\n", b.URL())
		if first.MadePassword {
			fmt.Fprintf(&text, "  Password:      %s\n", first.Password.Reveal())
		}
		if first.MadeToken {
			token = first.Token.Reveal()
			fmt.Fprintf(&text, "  Access token:  %s\n", token)
		}
		if first.MadePassword || first.MadeToken {
			fmt.Fprint(&text, "\nThis is shown once. ")
		}
		fmt.Fprint(&text, "Create a runner:\n\n")
		fmt.Fprintf(&text, "  curl --request POST --header \"PRIVATE-TOKEN: %s\" --data \"runner_type=instance_type\" \"%s/api/v4/user/runners\"\n\n", token, b.URL())
	}
	if _, err := std.Out.Write([]byte(text.String())); err != nil {
		return fmt.Errorf("the secrets of the first start could not be printed (make new ones with: baton admin password reset root; baton admin token create root): %w", err)
	}
	return nil
}
