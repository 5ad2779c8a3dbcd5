// Package bench holds the benchmarks of the program as a process: how soon it
// is ready, what it takes of the memory, and what a request pays for its
// token. Benchmarks of a part stand beside it; docs/benchmarks.md says what was
// seen and how.
//
//	go test -run=NONE -bench=. ./bench ./internal/api
package bench
