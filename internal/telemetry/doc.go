// Package telemetry is how Baton tells what it does: structured logs, metrics,
// and which build it is.
//
// # Logs
//
// [NewLogger] writes text or JSON. What [With] puts into a context stands in
// every record logged with that context, so that the lines of one request can
// be found by its id. Nothing logs a token; should a line hold one all the
// same (a URL in an error, a header in a panic), it is masked on its way out.
//
// # Metrics
//
// [Metrics] has a registry of its own, which holds nothing that some library
// registered behind our back. Labels take few values: routes, never paths; no
// ids, no names, no addresses.
package telemetry
