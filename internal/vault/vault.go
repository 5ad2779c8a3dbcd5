// Package vault keeps the CI/CD variables of the instance, of groups and of
// projects, sealed under the secret key, and says which of them a job gets.
package vault

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
)

// A Store is what the vault needs of storage.
type Store interface {
	reader
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
}

// A reader is what both a [Store] and a transaction can be asked.
type reader interface {
	store.NamespaceReader
	store.ProjectReader
	store.MemberReader
	store.VariableReader
}

// A Service manages CI/CD variables.
type Service struct {
	store Store
	keys  *seal.Keyring
}

// New returns a service on the store that seals values under the keys.
func New(s Store, keys *seal.Keyring) *Service { return &Service{s, keys} }

// A Variable is a CI/CD variable with its value.
type Variable struct {
	baton.Variable

	Value baton.Secret
}

// A Change is what a variable is to be. Nil leaves an attribute as it is.
type Change struct {
	Value                        *baton.Secret
	File, Protected, Masked, Raw *bool
	Description                  *string
}

// Variables returns the variables of a group, a project or, with the zero source,
// the instance. Maintainers see those of a project, Owners those of a group,
// administrators those of the instance; to others it is CodeDenied.
// https://docs.gitlab.com/api/project_level_variables/.
func (s *Service) Variables(ctx context.Context, a *access.Actor, of baton.Source) ([]Variable, error) {
	if err := may(ctx, s.store, a, of); err != nil {
		return nil, err
	}
	sealed, err := s.store.Variables(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("list variables: %w", err)
	}
	return open(s.keys, sealed)
}

// Variable returns one of [Service.Variables] by its key.
func (s *Service) Variable(ctx context.Context, a *access.Actor, of baton.Source, key string) (Variable, error) {
	return s.find(ctx, s.store, a, of, key)
}

// Create makes a variable. A hidden one is masked as well.
func (s *Service) Create(ctx context.Context, a *access.Actor, of baton.Source, key string, hidden bool, c Change) (Variable, error) {
	v := Variable{Variable: baton.Variable{Source: of, Key: key, CreatedAt: a.Now, UpdatedAt: a.Now}}
	c.apply(&v)
	v.Hidden, v.Masked = hidden, v.Masked || hidden
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		if err := may(ctx, tx, a, of); err != nil {
			return err
		}
		if err := baton.Invalid(v.check()); err != nil {
			return err
		}
		var err error
		v.ID, err = tx.InsertVariable(ctx, s.seal(&v))
		if baton.CodeOf(err) == baton.CodeConflict {
			return baton.Invalid([]baton.FieldError{{Field: "key", Problem: "(" + key + ") has already been taken"}})
		}
		if err != nil {
			return err
		}
		return tell(ctx, tx, a, &v, "created", "Added CI/CD variable", audit.Compare(attributes, &Variable{}, &v)...)
	})
	if err != nil {
		return Variable{}, fmt.Errorf("create variable: %w", err)
	}
	return v, nil
}

// Update changes a variable. One that is hidden stays masked.
func (s *Service) Update(ctx context.Context, a *access.Actor, of baton.Source, key string, c Change) (Variable, error) {
	var v Variable
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		was, err := s.find(ctx, tx, a, of, key)
		if err != nil {
			return err
		}
		v = was
		v.UpdatedAt = a.Now
		c.apply(&v)
		problems := v.check()
		if was.Hidden && !v.Masked {
			problems = append(problems, baton.FieldError{
				Field: "base", Problem: "Updating masked attribute is not allowed on updates for hidden variables.",
			})
		}
		if err := baton.Invalid(problems); err != nil {
			return err
		}
		if err := tx.UpdateVariable(ctx, s.seal(&v)); err != nil {
			return err
		}
		changes := audit.Compare(attributes, &was, &v)
		if was.Value.Reveal() != v.Value.Reveal() {
			changes = append(changes, baton.AuditChange{Attribute: "value", From: fmt.Sprint(was.Value), To: fmt.Sprint(v.Value)})
		}
		if len(changes) == 0 {
			return nil
		}
		return tell(ctx, tx, a, &v, "updated", audit.Changed(changes), changes...)
	})
	if err != nil {
		return Variable{}, fmt.Errorf("update variable: %w", err)
	}
	return v, nil
}

// Delete removes a variable.
func (s *Service) Delete(ctx context.Context, a *access.Actor, of baton.Source, key string) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		if err := may(ctx, tx, a, of); err != nil {
			return err
		}
		v, err := tx.Variable(ctx, of, key)
		if err != nil {
			return err
		}
		if err := tx.DeleteVariable(ctx, v.ID); err != nil {
			return err
		}
		return tell(ctx, tx, a, &Variable{Variable: v.Variable}, "deleted", "Removed CI/CD variable")
	})
	if err != nil {
		return fmt.Errorf("delete variable: %w", err)
	}
	return nil
}

// ForJob returns the variables that a job gets, those that count more behind:
// the instance's, those of the groups above from the topmost down, and the
// project's. Above are the project's namespaces, the topmost last. Protected ones
// are for jobs of protected refs.
// https://docs.gitlab.com/ci/variables/#cicd-variable-precedence.
func ForJob(
	ctx context.Context, r store.VariableReader, keys *seal.Keyring, j *baton.Job, above []baton.Namespace,
) ([]Variable, error) {
	of := []baton.Source{{}}
	for _, g := range slices.Backward(above) {
		of = append(of, baton.InGroup(g.ID))
	}
	of = append(of, baton.InProject(j.ProjectID))
	sealed, err := r.Variables(ctx, of...)
	if err != nil {
		return nil, fmt.Errorf("read variables of the job: %w", err)
	}
	sealed = slices.DeleteFunc(sealed, func(v store.SealedVariable) bool { return v.Protected && !j.Protected })
	slices.SortStableFunc(sealed, func(a, b store.SealedVariable) int {
		return cmp.Compare(slices.Index(of, a.Source), slices.Index(of, b.Source))
	})
	return open(keys, sealed)
}

// find returns a variable if the actor may see and change it.
func (s *Service) find(ctx context.Context, r reader, a *access.Actor, of baton.Source, key string) (Variable, error) {
	if err := may(ctx, r, a, of); err != nil {
		return Variable{}, err
	}
	sealed, err := r.Variable(ctx, of, key)
	if err != nil {
		return Variable{}, err
	}
	opened, err := open(s.keys, []store.SealedVariable{sealed})
	if err != nil {
		return Variable{}, err
	}
	return opened[0], nil
}

func open(keys *seal.Keyring, sealed []store.SealedVariable) ([]Variable, error) {
	all := make([]Variable, len(sealed))
	for i, v := range sealed {
		text, err := keys.Open(v.Sealed, sealedAs(&v.Variable))
		if err != nil {
			return nil, fmt.Errorf("read variable %d: %w", v.ID, err)
		}
		all[i] = Variable{v.Variable, baton.NewSecret(string(text))}
	}
	return all, nil
}

func (s *Service) seal(v *Variable) store.SealedVariable {
	return store.SealedVariable{Variable: v.Variable, Sealed: s.keys.Seal([]byte(v.Value.Reveal()), sealedAs(&v.Variable))}
}

// sealedAs is the context under which a value is sealed. It must stay as it is:
// what was sealed under another does not open.
func sealedAs(v *baton.Variable) []byte {
	return fmt.Appendf(nil, "variable %s of namespace %d, project %d", v.Key, v.Source.Namespace, v.Source.Project)
}

// may is CodeDenied unless the actor may see and change the variables.
func may(ctx context.Context, r store.MemberReader, a *access.Actor, of baton.Source) error {
	can, err := a.Admin, error(nil)
	switch policy := (access.Policy{Members: r}); {
	case of.Project != 0:
		can, err = policy.CanProject(ctx, a, access.ManageVariables, &baton.Project{ID: of.Project})
	case of.Namespace != 0:
		can, err = policy.CanGroup(ctx, a, access.ManageVariables, &baton.Namespace{ID: of.Namespace})
	}
	if err == nil && !can {
		err = baton.Denied("")
	}
	return err
}

func (c Change) apply(v *Variable) {
	set(&v.Value, c.Value)
	set(&v.File, c.File)
	set(&v.Protected, c.Protected)
	set(&v.Masked, c.Masked)
	set(&v.Raw, c.Raw)
	set(&v.Description, c.Description)
}

// set writes what a change holds; nil leaves things as they are.
func set[T any](dst, v *T) {
	if v != nil {
		*dst = *v
	}
}

// What keys and masked values may consist of. What the runner expands may not
// hold what could be a reference.
// https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable.
var (
	keyForm       = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)
	maskedForm    = regexp.MustCompile(`^[a-zA-Z0-9_+=/@:.~-]{8,}$`)
	rawMaskedForm = regexp.MustCompile(`^[^\s\v]{8,}$`)
)

// How long the texts may be, in characters. The value of an instance variable
// has a limit of its own.
const (
	maxText          = 255
	maxInstanceValue = 10_000
)

// check returns the rules that the variable breaks.
func (v *Variable) check() []baton.FieldError {
	var problems []baton.FieldError
	add := func(broken bool, field, problem string) {
		if broken {
			problems = append(problems, baton.FieldError{Field: field, Problem: problem})
		}
	}
	tooLong := "is too long (maximum is " + strconv.Itoa(maxText) + " characters)"
	value := v.Value.Reveal()
	add(v.Key == "", "key", "can't be blank")
	add(len(v.Key) > maxText, "key", tooLong)
	add(!keyForm.MatchString(v.Key), "key", "can contain only letters, digits and '_'.")
	form := maskedForm
	if v.Raw {
		form = rawMaskedForm
	}
	add(v.Masked && !form.MatchString(value), "value", "is invalid")
	add(v.Source == baton.Source{} && len([]rune(value)) > maxInstanceValue, "value",
		"The value of the provided variable exceeds the "+strconv.Itoa(maxInstanceValue)+" character limit")
	add(len([]rune(v.Description)) > maxText, "description", tooLong)
	return problems
}

// attributes are what the audit log tells of a variable: never its value.
var attributes = []audit.Attribute[Variable]{
	audit.NewAttribute("variable_type", "", func(v *Variable) string { return Type(&v.Variable) }),
	audit.NewAttribute("protected", "", func(v *Variable) string { return strconv.FormatBool(v.Protected) }),
	audit.NewAttribute("masked", "", func(v *Variable) string { return strconv.FormatBool(v.Masked) }),
	audit.NewAttribute("hidden", "", func(v *Variable) string { return strconv.FormatBool(v.Hidden) }),
	audit.NewAttribute("raw", "", func(v *Variable) string { return strconv.FormatBool(v.Raw) }),
}

// Type returns GitLab's name of the kind of a variable.
func Type(v *baton.Variable) string {
	if v.File {
		return "file"
	}
	return "env_var"
}

// tell writes down what was done to a variable, by GitLab's name for it.
func tell(ctx context.Context, tx store.Tx, a *access.Actor, v *Variable, done, message string, changes ...baton.AuditChange) error {
	scope, name, kind := audit.Scope{}, "ci_instance_variable_", "Ci::InstanceVariable"
	switch {
	case v.Source.Project != 0:
		p, err := tx.Project(ctx, v.Source.Project)
		if err != nil {
			return err
		}
		scope, name, kind = audit.InProject(&p), "ci_variable_", "Ci::Variable"
	case v.Source.Namespace != 0:
		g, err := tx.Namespace(ctx, v.Source.Namespace)
		if err != nil {
			return err
		}
		scope, name, kind = audit.InGroup(&g), "ci_group_variable_", "Ci::GroupVariable"
	}
	target := audit.Target{Type: kind, ID: int64(v.ID), Details: v.Key}
	return tx.InsertAuditEvent(ctx, a.Author().Event(scope, name+done, target, message, changes...))
}
