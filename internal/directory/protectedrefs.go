package directory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// Refs are the branches of a project, or its tags.
type Refs struct {
	Project Ref
	Tags    bool
}

// A ProtectedRefChange is what the protection of branches or tags is to be. Nil
// leaves a level as it is.
type ProtectedRefChange struct {
	PushLevel, MergeLevel *baton.AccessLevel
}

// ProtectedRefs returns what protects the refs, in the order in which it was
// made, as far as its name contains search. Reporters see it of branches,
// Maintainers of tags too.
// https://docs.gitlab.com/api/protected_branches/#list-protected-branches.
func (d *Directory) ProtectedRefs(ctx context.Context, a *access.Actor, of Refs, search string) ([]baton.ProtectedRef, error) {
	do := access.ReadProtectedBranches
	if of.Tags {
		do = access.ManageProtectedRefs
	}
	p, err := projectFor(ctx, d.store, a, of.Project, do)
	if err != nil {
		return nil, err
	}
	all, err := of.protected(ctx, d.store, p.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r baton.ProtectedRef) bool { return !strings.Contains(r.Name, search) }), nil
}

// ProtectedRef returns what protects the refs under the name, to those who see
// the list.
func (d *Directory) ProtectedRef(ctx context.Context, a *access.Actor, of Refs, name string) (baton.ProtectedRef, error) {
	all, err := d.ProtectedRefs(ctx, a, of, name)
	if err != nil {
		return baton.ProtectedRef{}, err
	}
	return named(all, name)
}

// Protect protects the refs that have a name, in which asterisks stand for any
// text. It is a conflict if that is done already.
// https://docs.gitlab.com/api/protected_branches/#protect-repository-branches.
func (d *Directory) Protect(ctx context.Context, a *access.Actor, of Refs, name string, c ProtectedRefChange) (baton.ProtectedRef, error) {
	var made baton.ProtectedRef
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		p, err := projectFor(ctx, tx, a, of.Project, access.ManageProtectedRefs)
		if err != nil {
			return err
		}
		made = baton.ProtectedRef{
			ProjectID: p.ID, Tag: of.Tags, Name: name,
			PushLevel: baton.MaintainerAccess, MergeLevel: baton.MaintainerAccess, CreatedAt: a.Now,
		}
		if err := checkRefName(name); err != nil {
			return err
		}
		c.apply(&made)
		if made.ID, err = tx.InsertProtectedRef(ctx, made); err != nil {
			return err
		}
		changes := audit.Compare(of.attributes(), &baton.ProtectedRef{PushLevel: unset, MergeLevel: unset}, &made)
		return tell(ctx, tx, of.about(a.Author(), &p, &made)(of.event("created"), "Protected "+of.kind(), changes...))
	})
	if err != nil {
		return baton.ProtectedRef{}, fmt.Errorf("protect %s: %w", of.kind(), err)
	}
	return made, nil
}

// UpdateProtectedRef changes how refs are protected.
// https://docs.gitlab.com/api/protected_branches/#update-a-protected-branch.
func (d *Directory) UpdateProtectedRef(
	ctx context.Context, a *access.Actor, of Refs, name string, c ProtectedRefChange,
) (baton.ProtectedRef, error) {
	var is baton.ProtectedRef
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		p, was, err := of.find(ctx, tx, a, name)
		if err != nil {
			return err
		}
		is = was
		c.apply(&is)
		if err := tx.UpdateProtectedRef(ctx, is); err != nil {
			return err
		}
		return tell(ctx, tx, audit.Updates(of.attributes(), &was, &is, of.about(a.Author(), &p, &is).changed)...)
	})
	if err != nil {
		return baton.ProtectedRef{}, fmt.Errorf("update protected %s: %w", of.kind(), err)
	}
	return is, nil
}

// Unprotect ends the protection under a name.
// https://docs.gitlab.com/api/protected_branches/#unprotect-repository-branches.
func (d *Directory) Unprotect(ctx context.Context, a *access.Actor, of Refs, name string) error {
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		p, was, err := of.find(ctx, tx, a, name)
		if err != nil {
			return err
		}
		if err := tx.DeleteProtectedRef(ctx, was.ID); err != nil {
			return err
		}
		verb := "removed"
		if of.Tags {
			verb = "deleted"
		}
		return tell(ctx, tx, of.about(a.Author(), &p, &was)(of.event(verb), "Unprotected "+of.kind()))
	})
	if err != nil {
		return fmt.Errorf("unprotect %s: %w", of.kind(), err)
	}
	return nil
}

// find returns the project and what protects its refs under the name, if the
// actor may change it.
func (of Refs) find(ctx context.Context, tx store.Tx, a *access.Actor, name string) (baton.Project, baton.ProtectedRef, error) {
	p, err := projectFor(ctx, tx, a, of.Project, access.ManageProtectedRefs)
	if err != nil {
		return baton.Project{}, baton.ProtectedRef{}, err
	}
	all, err := of.protected(ctx, tx, p.ID)
	if err != nil {
		return baton.Project{}, baton.ProtectedRef{}, err
	}
	r, err := named(all, name)
	return p, r, err
}

// protected returns what protects the refs of the kind.
func (of Refs) protected(ctx context.Context, r store.PipelineReader, project baton.ProjectID) ([]baton.ProtectedRef, error) {
	all, err := r.ProtectedRefs(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("list protected refs: %w", err)
	}
	return slices.DeleteFunc(all, func(r baton.ProtectedRef) bool { return r.Tag != of.Tags }), nil
}

// named returns the one with exactly the name; what is missing has no name in
// GitLab.
func named(all []baton.ProtectedRef, name string) (baton.ProtectedRef, error) {
	i := slices.IndexFunc(all, func(r baton.ProtectedRef) bool { return r.Name == name })
	if i < 0 {
		return baton.ProtectedRef{}, baton.NotFound("")
	}
	return all[i], nil
}

// maxRefName is how long the name may be, as a column of GitLab's is.
const maxRefName = 255

func checkRefName(name string) error {
	var p problems
	if strings.TrimSpace(name) == "" {
		p.add("name", "can't be blank")
	}
	if len([]rune(name)) > maxRefName {
		p.add("name", fmt.Sprintf("is too long (maximum is %d characters)", maxRefName))
	}
	return baton.Invalid(p)
}

func (c ProtectedRefChange) apply(r *baton.ProtectedRef) {
	set(&r.PushLevel, c.PushLevel)
	set(&r.MergeLevel, c.MergeLevel)
}

func (of Refs) kind() string {
	if of.Tags {
		return "tag"
	}
	return "branch"
}

// event returns GitLab's name of the event that something was done.
func (of Refs) event(done string) string { return "protected_" + of.kind() + "_" + done }

func (of Refs) about(w audit.Author, p *baton.Project, r *baton.ProtectedRef) teller {
	kind := "ProtectedBranch"
	if of.Tags {
		kind = "ProtectedTag"
	}
	return func(name, message string, changes ...baton.AuditChange) baton.AuditEvent {
		return w.Event(audit.InProject(p), name, audit.Target{Type: kind, ID: int64(r.ID), Details: r.Name}, message, changes...)
	}
}

// unset is the level of what was not protected.
const unset baton.AccessLevel = -1

// attributes are the levels by their names in the API.
func (of Refs) attributes() []audit.Attribute[baton.ProtectedRef] {
	level := func(l baton.AccessLevel) string {
		if l == unset {
			return ""
		}
		return strconv.Itoa(int(l))
	}
	event := of.event("updated")
	if of.Tags {
		return []audit.Attribute[baton.ProtectedRef]{
			audit.NewAttribute("create_access_level", event, func(r *baton.ProtectedRef) string { return level(r.PushLevel) }),
		}
	}
	return []audit.Attribute[baton.ProtectedRef]{
		audit.NewAttribute("push_access_level", event, func(r *baton.ProtectedRef) string { return level(r.PushLevel) }),
		audit.NewAttribute("merge_access_level", event, func(r *baton.ProtectedRef) string { return level(r.MergeLevel) }),
	}
}
