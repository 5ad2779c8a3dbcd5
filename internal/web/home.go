package web

import (
	"context"
	"net/http"
	"strings"
)

// A homePage tells a newcomer what this is, whether it works, and how to begin.
type homePage struct {
	Frame    frame
	Ready    bool
	Database string
	Started  moment
	// The arguments of the commands, as a shell reads them.
	InstanceURL, CreateURL, ListURL string
}

func (s *site) serveHome(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	// The cause is for the readiness endpoint and the log: who reads this page
	// is not known.
	ready := s.Ready(ctx) == nil

	// The status is that of the page, which works; machines ask the readiness
	// endpoint, and a proxy's error page would hide what this one says.
	s.home.serve(w, r, http.StatusOK, homePage{
		Frame:       s.frame(),
		Ready:       ready,
		Database:    s.Database,
		Started:     momentOf(s.Started, s.Now()),
		InstanceURL: shellQuote(s.instance),
		CreateURL:   shellQuote(s.instance + "/api/v4/user/runners"),
		ListURL:     shellQuote(s.instance + "/api/v4/runners/all"),
	})
}

// shellQuote makes one argument of text: in double quotes, which everybody
// knows, unless the shell would look into them.
func shellQuote(text string) string {
	if strings.ContainsAny(text, "\"\\$`!") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return `"` + text + `"`
}
