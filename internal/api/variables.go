package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/vault"
)

// instanceVariable is a CI/CD variable of the instance.
// https://docs.gitlab.com/api/instance_level_ci_variables/.
type instanceVariable struct {
	VariableType string  `json:"variable_type"`
	Key          string  `json:"key"`
	Value        string  `json:"value"`
	Protected    bool    `json:"protected"`
	Masked       bool    `json:"masked"`
	Raw          bool    `json:"raw"`
	Description  *string `json:"description"`
}

func newInstanceVariable(v vault.Variable) instanceVariable {
	return instanceVariable{
		VariableType: vault.Type(&v.Variable), Key: v.Key, Value: v.Value.Reveal(), Protected: v.Protected, Masked: v.Masked,
		Raw: v.Raw, Description: orNull(v.Description),
	}
}

// placeVariable is a CI/CD variable of a group or project. A hidden one has no
// value.
// https://docs.gitlab.com/api/project_level_variables/.
type placeVariable struct {
	VariableType     string  `json:"variable_type"`
	Key              string  `json:"key"`
	Value            *string `json:"value"`
	Protected        bool    `json:"protected"`
	Masked           bool    `json:"masked"`
	Hidden           bool    `json:"hidden"`
	Raw              bool    `json:"raw"`
	EnvironmentScope string  `json:"environment_scope"`
	Description      *string `json:"description"`
}

func newPlaceVariable(v vault.Variable) placeVariable {
	e := placeVariable{
		VariableType: vault.Type(&v.Variable), Key: v.Key, Protected: v.Protected, Masked: v.Masked, Hidden: v.Hidden,
		Raw: v.Raw, EnvironmentScope: everywhere, Description: orNull(v.Description),
	}
	if !v.Hidden {
		e.Value = new(v.Value.Reveal())
	}
	return e
}

// everywhere is the one scope that there is: Baton has no environments.
const everywhere = "*"

// variableAttributes are the attributes that every write takes.
type variableAttributes struct {
	VariableType grape.Opt[string] `param:"variable_type" values:"env_var,file" doc:"Whether the job gets the value, or the path of a file with it."`
	Protected    grape.Opt[bool]   `param:"protected" doc:"Whether it is for jobs of protected refs alone."`
	Masked       grape.Opt[bool]   `param:"masked" doc:"Whether the value is masked in logs: 8 characters or more, without blanks."`
	Raw          grape.Opt[bool]   `param:"raw" doc:"Whether references in the value stay as they are."`
	Description  grape.Opt[string] `param:"description" doc:"At most 255 characters."`
}

func (in *variableAttributes) change(value *string) vault.Change {
	c := vault.Change{
		Protected: given(in.Protected), Masked: given(in.Masked), Raw: given(in.Raw), Description: cleared(in.Description),
	}
	if in.VariableType.Valid() {
		c.File = new(in.VariableType.Value == "file")
	}
	if value != nil {
		c.Value = new(baton.NewSecret(*value))
	}
	return c
}

// newVariable are the parameters that a new variable has besides.
type newVariable struct {
	Key   string `param:"key" required:"true" doc:"Letters, digits and underscores, at most 255."`
	Value string `param:"value" required:"true" doc:"What jobs get."`
	variableAttributes
}

// variableKey names a variable.
type variableKey struct {
	Key string `param:"key" required:"true" doc:"The variable's key."`
}

// listInstanceVariables lists the CI/CD variables of the instance.
// https://docs.gitlab.com/api/instance_level_ci_variables/#list-all-instance-variables.
func (s *Server) listInstanceVariables(ctx context.Context, c *call, in paging) (list[instanceVariable], error) {
	all, err := s.Vault.Variables(ctx, c.actor, baton.Source{})
	return list[instanceVariable]{each(part(all, in), newInstanceVariable), len(all), in}, err
}

// getInstanceVariable shows a CI/CD variable of the instance.
func (s *Server) getInstanceVariable(ctx context.Context, c *call, in variableKey) (instanceVariable, error) {
	v, err := s.Vault.Variable(ctx, c.actor, baton.Source{}, in.Key)
	return newInstanceVariable(v), called(err, "InstanceVariable")
}

// createInstanceVariable makes a CI/CD variable that the jobs of all projects get.
func (s *Server) createInstanceVariable(ctx context.Context, c *call, in newVariable) (instanceVariable, error) {
	v, err := s.Vault.Create(ctx, c.actor, baton.Source{}, in.Key, false, in.change(&in.Value))
	return newInstanceVariable(v), err
}

// updateInstanceVariableParams are what PUT /admin/ci/variables/:key takes.
type updateInstanceVariableParams struct {
	variableKey
	Value grape.Opt[string] `param:"value" doc:"What jobs get."`
	variableAttributes
}

// updateInstanceVariable changes a CI/CD variable of the instance.
func (s *Server) updateInstanceVariable(ctx context.Context, c *call, in updateInstanceVariableParams) (instanceVariable, error) {
	v, err := s.Vault.Update(ctx, c.actor, baton.Source{}, in.Key, in.change(cleared(in.Value)))
	return newInstanceVariable(v), called(err, "InstanceVariable")
}

// deleteInstanceVariable removes a CI/CD variable of the instance.
func (s *Server) deleteInstanceVariable(ctx context.Context, c *call, in variableKey) (none, error) {
	return none{}, called(s.Vault.Delete(ctx, c.actor, baton.Source{}, in.Key), "InstanceVariable")
}

// called gives a missing variable GitLab's name.
func called(err error, thing string) error {
	if baton.IsNotFound(err) {
		return baton.NotFound(thing)
	}
	return err
}

// placeVariables answers for the CI/CD variables of groups, or of projects.
// https://docs.gitlab.com/api/project_level_variables/,
// https://docs.gitlab.com/api/group_level_variables/.
type placeVariables struct {
	*Server

	source func(context.Context, *call, directory.Ref) (baton.Source, error)
	// thing is what GitLab calls a missing one.
	thing string
}

// listPlaceVariablesParams are what the lists take.
type listPlaceVariablesParams struct {
	placeParams
	paging
}

// list lists the CI/CD variables of a group, to its Owners, or of a project, to its Maintainers.
func (p placeVariables) list(ctx context.Context, c *call, in listPlaceVariablesParams) (list[placeVariable], error) {
	of, err := p.source(ctx, c, in.ID)
	if err != nil {
		return list[placeVariable]{}, err
	}
	all, err := p.Vault.Variables(ctx, c.actor, of)
	return list[placeVariable]{each(part(all, in.paging), newPlaceVariable), len(all), in.paging}, err
}

// placeVariableParams name a variable of a group or project.
type placeVariableParams struct {
	placeParams
	variableKey
	Filter struct {
		EnvironmentScope string `param:"environment_scope" doc:"Every variable has the scope *."`
	} `param:"filter" doc:"Which of several with the key; there is one."`
}

// find returns what has the variables, and is an error for a scope that no
// variable has.
func (p placeVariables) find(ctx context.Context, c *call, in *placeVariableParams) (baton.Source, error) {
	of, err := p.source(ctx, c, in.ID)
	if err == nil && in.Filter.EnvironmentScope != "" && in.Filter.EnvironmentScope != everywhere {
		err = baton.NotFound(p.thing)
	}
	return of, err
}

// get shows a CI/CD variable of a group or project.
func (p placeVariables) get(ctx context.Context, c *call, in placeVariableParams) (placeVariable, error) {
	of, err := p.find(ctx, c, &in)
	if err != nil {
		return placeVariable{}, err
	}
	v, err := p.Vault.Variable(ctx, c.actor, of, in.Key)
	return newPlaceVariable(v), called(err, p.thing)
}

// scopeParams is where a variable counts.
type scopeParams struct {
	EnvironmentScope grape.Opt[string] `param:"environment_scope" doc:"Only *: there are no environments."`
}

func (in *scopeParams) check() error {
	if in.EnvironmentScope.Valid() && in.EnvironmentScope.Value != everywhere {
		return baton.Invalid([]baton.FieldError{{Field: "environment_scope", Problem: "can be * alone: environments are not supported"}})
	}
	return nil
}

// createPlaceVariableParams are what makes a variable of a group or project.
type createPlaceVariableParams struct {
	placeParams
	newVariable
	MaskedAndHidden bool `param:"masked_and_hidden" doc:"Whether the value is masked, and shown to nobody again."`
	scopeParams
}

// create makes a CI/CD variable that the jobs of a project, or of all projects below a group, get.
func (p placeVariables) create(ctx context.Context, c *call, in createPlaceVariableParams) (placeVariable, error) {
	of, err := p.source(ctx, c, in.ID)
	if err != nil {
		return placeVariable{}, err
	}
	if err := in.check(); err != nil {
		return placeVariable{}, err
	}
	v, err := p.Vault.Create(ctx, c.actor, of, in.Key, in.MaskedAndHidden, in.change(&in.Value))
	return newPlaceVariable(v), err
}

// updatePlaceVariableParams are what changes a variable of a group or project.
type updatePlaceVariableParams struct {
	placeVariableParams
	Value grape.Opt[string] `param:"value" doc:"What jobs get."`
	variableAttributes
	scopeParams
}

// update changes a CI/CD variable of a group or project.
func (p placeVariables) update(ctx context.Context, c *call, in updatePlaceVariableParams) (placeVariable, error) {
	of, err := p.find(ctx, c, &in.placeVariableParams)
	if err != nil {
		return placeVariable{}, err
	}
	if err := in.check(); err != nil {
		return placeVariable{}, err
	}
	v, err := p.Vault.Update(ctx, c.actor, of, in.Key, in.change(cleared(in.Value)))
	return newPlaceVariable(v), called(err, p.thing)
}

// remove removes a CI/CD variable of a group or project.
func (p placeVariables) remove(ctx context.Context, c *call, in placeVariableParams) (none, error) {
	of, err := p.find(ctx, c, &in)
	if err != nil {
		return none{}, err
	}
	return none{}, called(p.Vault.Delete(ctx, c.actor, of, in.Key), p.thing)
}
