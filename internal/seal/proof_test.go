package seal

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// proofs is a database that knows keys.
type proofs map[string][]byte

func (p proofs) KeyIDs(context.Context) ([]string, error) { return slices.Sorted(maps.Keys(p)), nil }

func (p proofs) KeyProof(_ context.Context, id string) ([]byte, error) { return p[id], nil }

func (p proofs) InsertKeyProof(_ context.Context, id string, proof []byte) error {
	if _, ok := p[id]; ok {
		return errors.New("the proof exists")
	}
	p[id] = proof
	return nil
}

func TestCheckFollowsTheLifeOfADatabase(t *testing.T) {
	db := proofs{}
	a, b := ring(t, lineA), ring(t, lineB)
	steps := []struct {
		name string
		ring *Keyring
		want []string // the ids that the database knows afterwards
	}{
		{"first start", a, []string{a.ID()}},
		{"second start", a, []string{a.ID()}},
		{"a key on top", ring(t, lineB, lineA), []string{a.ID(), b.ID()}},
		{"started again", ring(t, lineB, lineA), []string{a.ID(), b.ID()}},
		{"the old line gone", b, []string{a.ID(), b.ID()}},
	}
	for _, step := range steps {
		if err := Check(t.Context(), db, step.ring); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		known, _ := db.KeyIDs(t.Context())
		if diff := cmp.Diff(slices.Sorted(slices.Values(step.want)), known); diff != "" {
			t.Errorf("%s: keys (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestCheckRefusesAnotherKey(t *testing.T) {
	db := proofs{}
	if err := Check(t.Context(), db, ring(t, lineA)); err != nil {
		t.Fatal(err)
	}
	err := Check(t.Context(), db, ring(t, lineB, lineC))
	if _, ok := errors.AsType[*WrongKeyError](err); !ok {
		t.Fatalf("error is %v, want a WrongKeyError", err)
	}
	want := "the secret key in secret.key is not the one this database was written with (it knows key " +
		ring(t, lineA).ID() + "): restore that file or set BATON_SECRET_KEY_FILE"
	if err.Error() != want {
		t.Errorf("error is\n%s\nwant\n%s", err, want)
	}
	if len(db) != 1 {
		t.Error("the wrong key was stored")
	}
}

func TestCheckRefusesADamagedProof(t *testing.T) {
	k := ring(t, lineA)
	other := k.Seal([]byte("another text"), proofContext)
	for name, proof := range map[string][]byte{"empty": {}, "of another text": other, "in another place": k.Seal([]byte(k.ID()), nil)} {
		if err := Check(t.Context(), proofs{k.ID(): proof}, k); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCheckPassesErrorsOn(t *testing.T) {
	down := errors.New("down")
	if err := Check(t.Context(), broken{down}, ring(t, lineA)); !errors.Is(err, down) {
		t.Errorf("error is %v, want the database's", err)
	}
}

// broken is a database that does not answer.
type broken struct{ err error }

func (b broken) KeyIDs(context.Context) ([]string, error) { return nil, b.err }

func (b broken) KeyProof(context.Context, string) ([]byte, error) { return nil, b.err }

func (b broken) InsertKeyProof(context.Context, string, []byte) error { return b.err }
