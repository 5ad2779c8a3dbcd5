// Command baton is GitLab's runner control plane as one program; `baton --help`
// says what it can do.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"baton.example/baton/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	code := cli.Main(ctx, os.Args[1:], cli.Process())
	stop()
	os.Exit(code)
}
