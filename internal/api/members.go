package api

import (
	"context"
	"errors"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
)

// members answers for the members of groups, or of projects.
// https://docs.gitlab.com/api/group_members/,
// https://docs.gitlab.com/api/project_members/.
type members struct {
	*Server

	place func(directory.Ref) directory.Place
}

// memberEntity is a member.
type memberEntity struct {
	*shortUser

	AccessLevel baton.AccessLevel `json:"access_level"`
	CreatedAt   timestamp         `json:"created_at"`
	CreatedBy   *shortUser        `json:"created_by,omitempty"`
	ExpiresAt   *baton.Date       `json:"expires_at"`
}

func (m members) entity(in directory.Membership) memberEntity {
	return memberEntity{
		shortUser: m.shortUser(&in.User), AccessLevel: in.AccessLevel,
		CreatedAt: timestamp(in.CreatedAt), CreatedBy: m.shortUser(in.CreatedBy), ExpiresAt: orNull(in.ExpiresAt),
	}
}

// placeParams are the parameters of routes about all members of a place.
type placeParams struct {
	ID directory.Ref `param:"id" required:"true" doc:"The group's or project's id or path."`
}

// listMembersParams are what the lists of members take.
type listMembersParams struct {
	placeParams
	paging
}

// list lists the direct members of a group or project.
func (m members) list(ctx context.Context, c *call, in listMembersParams) (list[memberEntity], error) {
	rows, total, err := m.Directory.Members(ctx, c.actor, m.place(in.ID), in.rows())
	if err != nil {
		return list[memberEntity]{}, err
	}
	return list[memberEntity]{each(rows, m.entity), total, in.paging}, nil
}

// listAll lists the members of a group or project, inherited ones and those of invited
// groups among them.
func (m members) listAll(ctx context.Context, c *call, in listMembersParams) (list[memberEntity], error) {
	rows, total, err := m.Directory.AllMembers(ctx, c.actor, m.place(in.ID), in.rows())
	if err != nil {
		return list[memberEntity]{}, err
	}
	return list[memberEntity]{each(rows, m.entity), total, in.paging}, nil
}

// memberParams are the parameters of routes about one member.
type memberParams struct {
	placeParams
	UserID baton.UserID `param:"user_id" required:"true" doc:"The user's id."`
}

// get shows a direct member of a group or project.
func (m members) get(ctx context.Context, c *call, in memberParams) (memberEntity, error) {
	member, err := m.Directory.Member(ctx, c.actor, m.place(in.ID), in.UserID)
	if err != nil {
		return memberEntity{}, err
	}
	return m.entity(member), nil
}

// getAny shows a member of a group or project, direct, inherited or invited.
func (m members) getAny(ctx context.Context, c *call, in memberParams) (memberEntity, error) {
	member, err := m.Directory.AnyMember(ctx, c.actor, m.place(in.ID), in.UserID)
	if err != nil {
		return memberEntity{}, err
	}
	return m.entity(member), nil
}

// addMemberParams are what POST …/members takes. One user is named by id or
// username, several by ids with commas between. Which is missing is said by
// [addMemberParams.check]: a rule about both would have other words.
type addMemberParams struct {
	placeParams
	AccessLevel grape.Opt[baton.AccessLevel] `param:"access_level" doc:"The role, such as 30 for a Developer."`
	UserIDs     []baton.UserID               `param:"user_id,csv" doc:"The users' ids, at most 100."`
	Username    string                       `param:"username" doc:"The user's name, instead of user_id."`
	ExpiresAt   grape.Opt[baton.Date]        `param:"expires_at,date" doc:"The day on which the membership ends."`
}

// maxAdded is how many members one request may add, as in GitLab.
const maxAdded = 100

func (in *addMemberParams) check() error {
	var missing []string
	if !in.AccessLevel.Given() {
		missing = append(missing, "access_level is missing")
	}
	if len(in.UserIDs) == 0 && in.Username == "" {
		missing = append(missing, "user_id is missing")
	}
	if missing != nil {
		return &grape.ValidationError{Messages: missing}
	}
	if len(in.UserIDs) > maxAdded {
		return &baton.Error{Code: baton.CodeInvalid, Message: fmt.Sprintf("Too many users specified (limit is %d)", maxAdded)}
	}
	return nil
}

// add adds one user to a group or project, or several.
//
// Of several, what is wrong with one does not keep the others out: the answer
// says by username what it was.
func (m members) add(ctx context.Context, c *call, in addMemberParams) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	change := directory.MemberChange{AccessLevel: in.AccessLevel.Value, ExpiresAt: cleared(in.ExpiresAt)}
	if len(in.UserIDs) > 1 {
		return m.addEach(ctx, c, in, change)
	}
	var user baton.UserID
	if len(in.UserIDs) == 1 {
		user = in.UserIDs[0]
	} else {
		u, err := m.Directory.UserByName(ctx, in.Username)
		if err != nil {
			return nil, err
		}
		user = u.ID
	}
	member, err := m.Directory.AddMember(ctx, c.actor, m.place(in.ID), user, change)
	if err != nil {
		return nil, err
	}
	return m.entity(member), nil
}

// addedMembers is the answer to adding several members at once.
type addedMembers struct {
	Status string `json:"status"`
	// Message says by username what went wrong.
	Message map[string]string `json:"message,omitempty"`
}

// addEach adds several users. What is wrong with one is no reason not to add
// the others, unless it is the caller.
func (m members) addEach(ctx context.Context, c *call, in addMemberParams, change directory.MemberChange) (addedMembers, error) {
	answer := addedMembers{Status: "success", Message: map[string]string{}}
	for _, id := range in.UserIDs {
		_, err := m.Directory.AddMember(ctx, c.actor, m.place(in.ID), id, change)
		e, ok := errors.AsType[*baton.Error](err)
		switch {
		case err == nil:
			continue
		case !ok || e.Code != baton.CodeInvalid && e.Code != baton.CodeConflict:
			return addedMembers{}, err
		}
		u, err := m.Directory.User(ctx, c.actor, id)
		if err != nil {
			return addedMembers{}, err
		}
		answer.Status, answer.Message[u.Username] = "error", e.Sentences()
	}
	return answer, nil
}

// updateMemberParams are what PUT …/members/:user_id takes.
type updateMemberParams struct {
	memberParams
	AccessLevel baton.AccessLevel     `param:"access_level" required:"true" doc:"The role, such as 30 for a Developer."`
	ExpiresAt   grape.Opt[baton.Date] `param:"expires_at,date" doc:"The day on which the membership ends."`
}

// update changes a member's role and the day on which the membership ends.
func (m members) update(ctx context.Context, c *call, in updateMemberParams) (memberEntity, error) {
	member, err := m.Directory.UpdateMember(ctx, c.actor, m.place(in.ID), in.UserID,
		directory.MemberChange{AccessLevel: in.AccessLevel, ExpiresAt: cleared(in.ExpiresAt)})
	if err != nil {
		return memberEntity{}, err
	}
	return m.entity(member), nil
}

// remove ends a membership.
func (m members) remove(ctx context.Context, c *call, in memberParams) (none, error) {
	return none{}, m.Directory.RemoveMember(ctx, c.actor, m.place(in.ID), in.UserID)
}
