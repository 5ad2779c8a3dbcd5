// Package dispatch answers runners that ask for work.
//
// There is no source of jobs yet, so the queue is always empty; what a runner
// is told about it follows the protocol all the same, so that the official
// program polls, and shows as online, without a change.
package dispatch

import "crypto/rand"

// A Queue hands jobs to runners.
type Queue struct {
	// value stands for the state of the queue. It changes when the program
	// starts, and an empty queue has no other reason to.
	value string
}

// NewQueue returns an empty queue.
func NewQueue() *Queue { return &Queue{value: rand.Text()} }

// LastUpdate returns the value that stands for the queue's state: a runner
// sends back the last one it saw, and as long as that is the current one there
// is nothing new for it.
func (q *Queue) LastUpdate() string { return q.value }
