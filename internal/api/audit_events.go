package api

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
)

// auditEventEntity is an event of the audit log.
// https://docs.gitlab.com/api/audit_events/.
type auditEventEntity struct {
	ID int64 `json:"id"`
	// AuthorID is -1 for who is no user.
	AuthorID   int64        `json:"author_id"`
	EntityID   int64        `json:"entity_id"`
	EntityType string       `json:"entity_type"`
	EventName  string       `json:"event_name"`
	Details    auditDetails `json:"details"`
	CreatedAt  timestamp    `json:"created_at"`
}

// auditDetails are the details of an event.
type auditDetails struct {
	EventName     string        `json:"event_name"`
	AuthorName    string        `json:"author_name"`
	AuthorClass   string        `json:"author_class"`
	TargetID      int64         `json:"target_id"`
	TargetType    string        `json:"target_type"`
	TargetDetails string        `json:"target_details"`
	CustomMessage string        `json:"custom_message"`
	IPAddress     *string       `json:"ip_address"`
	EntityPath    string        `json:"entity_path"`
	Changes       []auditChange `json:"changes"` // Baton's own
	AuthorEmail   *string       `json:"author_email"`
}

// auditChange is one attribute before and after.
type auditChange struct {
	Attribute string `json:"attribute"`
	From      string `json:"from"`
	To        string `json:"to"`
}

// entityTypes are GitLab's names of what an event belongs to.
var entityTypes = map[baton.AuditEntityKind]string{
	baton.InstanceEntity: "Gitlab::Audit::InstanceScope",
	baton.GroupEntity:    "Group",
	baton.ProjectEntity:  "Project",
	baton.UserEntity:     "User",
}

func newAuditEventEntity(r directory.AuditRecord) auditEventEntity {
	belongs := r.Entity()
	e := auditEventEntity{
		ID: r.ID, AuthorID: int64(r.AuthorID), EntityID: belongs.ID, EntityType: entityTypes[belongs.Kind],
		EventName: r.Name, CreatedAt: timestamp(r.CreatedAt),
		Details: auditDetails{
			EventName: r.Name, AuthorName: r.AuthorName, AuthorClass: "User",
			TargetID: r.TargetID, TargetType: r.TargetType, TargetDetails: r.TargetDetails,
			CustomMessage: r.Message, IPAddress: orNull(r.IP), EntityPath: r.EntityPath,
			Changes:     each(r.Changes, func(c baton.AuditChange) auditChange { return auditChange(c) }),
			AuthorEmail: orNull(r.AuthorEmail),
		},
	}
	if r.AuthorID == 0 {
		e.AuthorID, e.Details.AuthorClass = -1, "Gitlab::Audit::UnauthenticatedAuthor"
	}
	if belongs.Kind == baton.InstanceEntity {
		e.EntityID, e.Details.EntityPath = 1, "gitlab_instance"
	}
	return e
}

// auditFilter are the filters of every list of audit events.
type auditFilter struct {
	CreatedAfter  time.Time `param:"created_after" doc:"Only events from that time on."`
	CreatedBefore time.Time `param:"created_before" doc:"Only events until that time."`
	paging
}

func (in *auditFilter) query() directory.AuditQuery {
	q := directory.AuditQuery{Page: in.withNext(), CountUpTo: countedRows + 1}
	q.CreatedAfter, q.CreatedBefore = in.CreatedAfter, in.CreatedBefore
	return q
}

func (s *Server) auditList(ctx context.Context, c *call, of directory.Place, q directory.AuditQuery, p paging) (list[auditEventEntity], error) {
	records, total, err := s.Directory.AuditEvents(ctx, c.actor, of, q)
	if err != nil {
		return list[auditEventEntity]{}, err
	}
	return list[auditEventEntity]{each(records, newAuditEventEntity), total, p}, nil
}

func (s *Server) auditEvent(ctx context.Context, c *call, of directory.Place, id int64) (auditEventEntity, error) {
	r, err := s.Directory.AuditEvent(ctx, c.actor, of, id)
	if err != nil {
		return auditEventEntity{}, err
	}
	return newAuditEventEntity(r), nil
}

// listAuditEventsParams are what GET /audit_events takes.
type listAuditEventsParams struct {
	EntityType string           `param:"entity_type" values:"Project,User,Group,Gitlab::Audit::InstanceScope" doc:"Only events that belong to something of the type."`
	EntityID   grape.Opt[int64] `param:"entity_id" doc:"Only events that belong to the thing with the id; needs entity_type."`
	auditFilter
}

// listAuditEvents lists the audit events of everything, the newest first, for administrators.
// https://docs.gitlab.com/api/audit_events/#retrieve-all-instance-audit-events.
func (s *Server) listAuditEvents(ctx context.Context, c *call, in listAuditEventsParams) (list[auditEventEntity], error) {
	if in.EntityID.Given() && in.EntityType == "" {
		return list[auditEventEntity]{}, &grape.ValidationError{Messages: []string{"entity_type is missing"}}
	}
	q := in.query()
	for kind, name := range entityTypes {
		if name == in.EntityType {
			q.Entity = baton.AuditEntity{Kind: kind, ID: in.EntityID.Value}
		}
	}
	return s.auditList(ctx, c, directory.Place{}, q, in.paging)
}

// getAuditEventParams are what GET /audit_events/:id takes.
type getAuditEventParams struct {
	ID int64 `param:"id" required:"true" doc:"The event's id."`
}

// getAuditEvent shows an audit event, for administrators.
// https://docs.gitlab.com/api/audit_events/#retrieve-single-instance-audit-event.
func (s *Server) getAuditEvent(ctx context.Context, c *call, in getAuditEventParams) (auditEventEntity, error) {
	return s.auditEvent(ctx, c, directory.Place{}, in.ID)
}

// guardAuditEvents refuses who is no administrator, before GitLab looks at any
// parameter.
func (s *Server) guardAuditEvents(ctx context.Context, c *call) error {
	return s.Directory.MayReadAudit(ctx, c.actor, directory.Place{})
}

// auditLog answers for the audit logs of groups, or of projects.
type auditLog struct {
	*Server

	place func(directory.Ref) directory.Place
}

// guard refuses who may not read the log, before GitLab looks at any other
// parameter.
func (l auditLog) guard(ctx context.Context, c *call) error {
	var in placeParams
	if err := grape.Bind(c.params, &in); err != nil {
		return err
	}
	return l.Directory.MayReadAudit(ctx, c.actor, l.place(in.ID))
}

// listPlaceAuditEventsParams are what the logs of groups and projects take.
type listPlaceAuditEventsParams struct {
	placeParams
	auditFilter
}

// list lists the audit events of a group or project, the newest first; to Developers those of the caller.
func (l auditLog) list(ctx context.Context, c *call, in listPlaceAuditEventsParams) (list[auditEventEntity], error) {
	return l.auditList(ctx, c, l.place(in.ID), in.query(), in.paging)
}

// getPlaceAuditEventParams are what one event of such a log takes.
type getPlaceAuditEventParams struct {
	placeParams
	AuditEventID int64 `param:"audit_event_id" required:"true" doc:"The event's id."`
}

// get shows an audit event of a group or project.
func (l auditLog) get(ctx context.Context, c *call, in getPlaceAuditEventParams) (auditEventEntity, error) {
	return l.auditEvent(ctx, c, l.place(in.ID), in.AuditEventID)
}
