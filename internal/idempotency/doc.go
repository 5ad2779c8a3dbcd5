// Package idempotency lets a client repeat a request without doing it twice.
// The terms are those of draft-ietf-httpapi-idempotency-key-header: a client
// sends an Idempotency-Key with a request, and the same key again when it
// repeats that request because the answer was lost.
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/.
//
// # The stored answer holds a token, and nobody can read it
//
// The answer to creating a runner is the one place where the runner's token
// stands. To give it again, the answer has to be stored; so that no token is
// stored, it is sealed with AES-256-GCM under a key that is derived from the
// Idempotency-Key, which is not stored. What the database has is
//
//	Key      a digest of the Idempotency-Key, to find the answer by
//	Request  a digest of the request, to know the same request by
//	Sealed   the answer
//
// All three come from the Idempotency-Key by HKDF-SHA256 under labels of their
// own, with the user's id as salt: none leads to another, the same key of two
// users has nothing in common, and without the Idempotency-Key not even a
// guessed request can be confirmed. The Idempotency-Key is thus a secret of the
// client, and has to be hard to guess: [Parse] refuses what is not.
//
// # Using it
//
//	key, err := idempotency.Parse(user, header)      // 400
//	request := key.Request(method, path, params)
//	end, err := running.Begin(key)                   // 409
//	defer end()
//	stored, err := store.Answer(ctx, user, key.Digest())
//	if found: reply, err := key.Open(stored, request) // 422 for ErrMismatch
//	else: do it, with key.Seal(request, reply, now) in the same transaction
//
// [Running] knows the requests of its own process. Two processes are kept
// apart by the store, which takes one answer for a user and key.
package idempotency
