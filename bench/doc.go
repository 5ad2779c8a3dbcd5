// Package bench holds the benchmarks of the whole program. Each measures a
// figure that is promised beside its floor, the least that the same work could
// cost, in the same run; docs/benchmarks.md says what was seen and how.
//
//	go test -run=NONE -bench=. ./bench
package bench
