package api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/store"
)

// paging are the parameters of every list.
// https://docs.gitlab.com/api/rest/#offset-based-pagination.
type paging struct {
	Page    int `param:"page" default:"1" min:"1" doc:"Page number, from 1."`
	PerPage int `param:"per_page" default:"20" except:"0" min:"1" doc:"Rows on a page, at most 100."`
}

// maxPerPage is the most rows that a page holds; a larger wish becomes this
// without a word.
const maxPerPage = 100

// size returns how many rows the page holds.
func (p paging) size() int { return min(p.PerPage, maxPerPage) }

// rows returns the part of the list that the page is.
func (p paging) rows() store.Page {
	// A page far behind the end must not overflow into the front.
	offset := (p.Page - 1) * p.size()
	if offset/p.size() != p.Page-1 {
		offset = 1<<62 - 1
	}
	return store.Page{Limit: p.size(), Offset: offset}
}

// countedRows is up to how many rows GitLab tells their number.
const countedRows = 10_000

// withNext returns the part of the list that the page is and one row more,
// which tells that there is another page where the rows are not all counted.
func (p paging) withNext() store.Page {
	rows := p.rows()
	rows.Limit++
	return rows
}

// A list is one page of rows of which there are total, or more than
// [countedRows]. Then a row beyond the page says that another one follows.
type list[T any] struct {
	rows  []T
	total int
	page  paging
}

// paginate sets the headers of a list and returns its rows.
func (l list[T]) paginate(s *Server, c *call) any {
	size := l.page.size()
	pages := max(1, (l.total+size-1)/size)
	number := func(n int, exists bool) string {
		if !exists {
			return ""
		}
		return strconv.Itoa(n)
	}
	hasNext := l.page.Page < pages || len(l.rows) > size
	hasPrev := l.page.Page > 1 && len(l.rows) > 0 // behind the end there is no page to come from

	h := c.reply
	h.Set("X-Per-Page", strconv.Itoa(size))
	h.Set("X-Page", strconv.Itoa(l.page.Page))
	h.Set("X-Next-Page", number(l.page.Page+1, hasNext))
	h.Set("X-Prev-Page", number(l.page.Page-1, hasPrev))

	query := c.query(size)
	link := func(page int, rel string) string {
		query.Set("page", strconv.Itoa(page))
		return "<" + s.base + strings.TrimSuffix(c.path, "/") + "?" + query.Encode() + `>; rel="` + rel + `"`
	}
	var links []string
	if hasPrev {
		links = append(links, link(l.page.Page-1, "prev"))
	}
	if hasNext {
		links = append(links, link(l.page.Page+1, "next"))
	}
	links = append(links, link(1, "first"))
	if l.total <= countedRows {
		links = append(links, link(pages, "last"))
		h.Set("X-Total", strconv.Itoa(l.total))
		h.Set("X-Total-Pages", strconv.Itoa(pages))
	}
	h.Set("Link", strings.Join(links, ", "))

	if l.rows == nil {
		return []T{}
	}
	return l.rows[:min(len(l.rows), size)]
}

// A keyset is a page of rows that begins behind a cursor: however far the list
// goes, each page costs the same. rows are one more than size if there is
// another page.
// https://docs.gitlab.com/api/rest/#keyset-based-pagination.
type keyset[T any] struct {
	rows []T
	size int
	id   func(T) int64
}

// paginate tells where the next page is, and returns the rows.
func (k keyset[T]) paginate(s *Server, c *call) any {
	c.reply.Set("X-Per-Page", strconv.Itoa(k.size))
	if len(k.rows) > k.size {
		k.rows = k.rows[:k.size]
		query := c.query(k.size)
		query.Del("page")
		query.Set("cursor", writeCursor(k.id(k.rows[k.size-1])))
		c.reply.Set("Link", "<"+s.base+strings.TrimSuffix(c.path, "/")+"?"+query.Encode()+`>; rel="next"`)
	}
	if k.rows == nil {
		return []T{}
	}
	return k.rows
}

// A cursor is the id of a page's last row, in the form of GitLab's.
type cursor struct {
	ID        string `json:"id"`
	Direction string `json:"_kd"`
}

func writeCursor(id int64) string {
	text, err := json.Marshal(cursor{strconv.FormatInt(id, 10), "n"})
	if err != nil {
		panic(err) // two strings
	}
	return base64.URLEncoding.EncodeToString(text)
}

// readCursor returns the id in a cursor, 0 for none.
func readCursor(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	var at cursor
	plain, err := base64.URLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(plain, &at)
	}
	id, notNumber := strconv.ParseInt(at.ID, 10, 64)
	if err != nil || notNumber != nil {
		return 0, &failure{status: http.StatusBadRequest, body: problem{Error: "cursor is invalid"}}
	}
	return id, nil
}

// query returns every parameter of the call with the defaults of those that
// were not given, for the addresses of the other pages. Whatever says who
// calls is left out: GitLab repeats it, and so puts tokens into logs.
func (c *call) query(perPage int) url.Values {
	query := url.Values{}
	for _, f := range grape.Fields(c.route.in) {
		if f.Default != "" {
			query.Set(f.Name, f.Default)
		}
	}
	for name, value := range c.params {
		if credentials[name] || name == "token" { // a runner's, which no list asks for
			continue
		}
		query.Del(name)
		addQuery(query, name, value)
	}
	query.Set("per_page", strconv.Itoa(perPage))
	return query
}

// addQuery writes a parameter as a query does: x[]=1 for the elements of an
// array, x[y]=1 for those of a hash.
func addQuery(query url.Values, name string, value any) {
	switch v := value.(type) {
	case nil:
		query.Set(name, "")
	case string:
		query.Add(name, v)
	case bool:
		query.Add(name, strconv.FormatBool(v))
	case json.Number:
		query.Add(name, v.String())
	case []any:
		for _, element := range v {
			addQuery(query, name+"[]", element)
		}
	case map[string]any:
		for key, element := range v {
			addQuery(query, name+"["+key+"]", element)
		}
	}
}

// each returns the entities of rows.
func each[Row, Entity any](rows []Row, present func(Row) Entity) []Entity {
	entities := make([]Entity, len(rows))
	for i, row := range rows {
		entities[i] = present(row)
	}
	return entities
}
