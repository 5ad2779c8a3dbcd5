package storetest

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// variable stores a variable of the source and returns it as it is stored.
func (s *suite) variable(of baton.Source, key string) store.SealedVariable {
	s.Helper()
	v := store.SealedVariable{
		Variable: baton.Variable{Source: of, Key: key, CreatedAt: now, UpdatedAt: now}, Sealed: []byte(s.unique("sealed")),
	}
	s.tx(func(ctx context.Context, tx store.Tx) (err error) {
		v.ID, err = tx.InsertVariable(ctx, v)
		return err
	})
	v.CreatedAt, v.UpdatedAt = kept, kept
	return v
}

var variableTests = []test{
	{"Variable/RoundTrip", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		// The group and the project have the same number.
		sources := []baton.Source{{}, baton.InGroup(g.ID), baton.InProject(p.ID)}
		var stored []store.SealedVariable
		for _, of := range sources {
			_, err := s.Variable(ctx, of, "KEY")
			s.missing(err, "Variable")
			stored = append(stored, s.variable(of, "KEY"), s.variable(of, "key"))
		}
		for i, of := range sources {
			own := stored[2*i : 2*i+2]
			same(s, must(s.Variable(ctx, of, "KEY")), own[0])
			same(s, must(s.Variable(ctx, of, "key")), own[1])
			same(s, must(s.Variables(ctx, of)), own)
		}
		same(s, must(s.Variables(ctx, sources[2], sources[0], sources[1])), stored)
		same(s, must(s.Variables(ctx, baton.InProject(p.ID+1))), []store.SealedVariable{})
	}},
	{"Variable/Changed", func(s *suite) {
		ctx := s.Context()
		v := s.variable(baton.Source{}, "KEY")
		other := s.variable(baton.Source{}, "OTHER")
		v.File, v.Protected, v.Masked, v.Hidden, v.Raw = true, true, true, true, true
		v.Description, v.Sealed, v.UpdatedAt = "why", []byte{0, 255}, kept.Add(time.Hour)
		given := v
		given.Key, given.CreatedAt = "x", now.Add(time.Hour)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateVariable(ctx, given) })
		same(s, must(s.Variables(ctx, baton.Source{})), []store.SealedVariable{v, other})
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteVariable(ctx, v.ID) })
		same(s, must(s.Variables(ctx, baton.Source{})), []store.SealedVariable{other})
	}},
	{"Variable/Refused", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		for _, of := range []baton.Source{{}, baton.InGroup(g.ID), baton.InProject(s.project("p", g.ID).ID)} {
			v := s.variable(of, "KEY")
			s.field(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
				_, err := tx.InsertVariable(ctx, v)
				return err
			}), "key")
		}
		for _, of := range []baton.Source{baton.InGroup(g.ID + 100), baton.InProject(100)} {
			s.stale(func(ctx context.Context, tx store.Tx) error {
				_, err := tx.InsertVariable(ctx, store.SealedVariable{
					Variable: baton.Variable{Source: of, Key: "KEY", CreatedAt: now, UpdatedAt: now}, Sealed: []byte{1},
				})
				return err
			})
		}
		for _, fn := range []func(ctx context.Context, tx store.Tx) error{
			func(ctx context.Context, tx store.Tx) error {
				return tx.UpdateVariable(ctx, store.SealedVariable{Variable: baton.Variable{ID: 100}, Sealed: []byte{1}})
			},
			func(ctx context.Context, tx store.Tx) error { return tx.DeleteVariable(ctx, 100) },
		} {
			s.missing(s.Tx(ctx, fn), "Variable")
		}
	}},
	{"Variable/EndsWithItsOwner", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p := s.project("p", s.group("sub", g.ID).ID)
		instance := s.variable(baton.Source{}, "KEY")
		s.variable(baton.InGroup(g.ID), "KEY")
		s.variable(baton.InProject(p.ID), "KEY")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteNamespace(ctx, g.ID) })
		same(s, must(s.Variables(ctx, baton.Source{}, baton.InGroup(g.ID), baton.InProject(p.ID))), []store.SealedVariable{instance})
	}},
}
