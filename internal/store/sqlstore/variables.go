package sqlstore

import (
	"context"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var variables = define("Variable", "variables v", func(v *store.SealedVariable) []column {
	return []column{
		{"v.id", &v.ID, generated},
		{"namespace_id", nullNumber(&v.Source.Namespace), fixed},
		{"project_id", nullNumber(&v.Source.Project), fixed},
		{"key", &v.Key, fixed},
		{"sealed", &v.Sealed, mutable},
		{"file", &v.File, mutable},
		{"protected", &v.Protected, mutable},
		{"masked", &v.Masked, mutable},
		{"hidden", &v.Hidden, mutable},
		{"raw", &v.Raw, mutable},
		{"description", &v.Description, mutable},
		{"created_at", at(&v.CreatedAt), fixed},
		{"updated_at", at(&v.UpdatedAt), mutable},
	}
})

func (r reader) Variable(ctx context.Context, of baton.Source, key string) (store.SealedVariable, error) {
	return variables.one(ctx, r, ofSource+" AND v.key = $3", of.Namespace, of.Project, key)
}

func (r reader) Variables(ctx context.Context, of ...baton.Source) ([]store.SealedVariable, error) {
	// Each condition is in the words of the index, which both databases then use
	// for every one of them.
	conditions := make([]string, len(of))
	args := make([]any, 0, 2*len(of))
	for i, s := range of {
		conditions[i] = "coalesce(namespace_id, 0) = ? AND coalesce(project_id, 0) = ?"
		args = append(args, s.Namespace, s.Project)
	}
	w := new(where)
	w.and("("+strings.Join(conditions, " OR ")+")", args...)
	w.write(" ORDER BY v.id")
	return variables.filtered(ctx, r, w)
}

func (w writer) InsertVariable(ctx context.Context, v store.SealedVariable) (baton.VariableID, error) {
	id, err := variables.insert(ctx, w, &v)
	return baton.VariableID(id), err
}

func (w writer) UpdateVariable(ctx context.Context, v store.SealedVariable) error {
	return variables.update(ctx, w, &v, int64(v.ID))
}

func (w writer) DeleteVariable(ctx context.Context, id baton.VariableID) error {
	return w.touch(ctx, variables.thing, "delete Variable", "DELETE FROM variables WHERE id = $1", id)
}
