package api

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strconv"
	"testing"
	"time"

	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
	"baton.example/baton/internal/testkit/load"
	"baton.example/baton/internal/testkit/pgtest"
)

// BenchmarkList is the lists of runners over HTTP with 100,000 of them, one
// client: each filter alone and in the pairs that people use; the first page,
// the one in the middle and the last one. Their floor is a list of the same
// shape that nothing has to be looked for: the 20 runners of a group.
//
// With -benchtime=1x the fleet is small, to try it once.
func BenchmarkList(b *testing.B) {
	n := 100_000
	if flag.Lookup("test.benchtime").Value.String() == "1x" {
		n = 1000
	}
	b.Run("SQLite", func(b *testing.B) { benchLists(b, openSQLite(b), n) })
	b.Run("PostgreSQL", func(b *testing.B) {
		benchLists(b, openPostgres(b, pgtest.Server(b, pgtest.Options{Durable: true})), n)
	})
}

// Tokens of the fleet's users with many groups and projects, and with few.
const (
	manyToken = "glpat-of-an-owner-of-much"
	fewToken  = "glpat-of-an-owner-of-little"
)

// benchedLists are the lists and what they are narrowed to.
var benchedLists = []struct {
	name, token, path string
	filters           []string
}{
	{"all", benchToken, "/runners/all", []string{
		"", "type=instance_type", "paused=true", "paused=false", "scope=specific",
		"status=online", "status=offline", "status=never_contacted", "status=stale",
		"tag_list=few", "tag_list=some", "tag_list=most", "tag_list=most,half",
		"version_prefix=16.", "version_prefix=18.",
		"status=online&tag_list=few", "status=online&tag_list=some", "status=online&tag_list=most",
		"status=stale&tag_list=few", "status=stale&tag_list=some", "status=stale&tag_list=most",
		"type=group_type&paused=true", "type=group_type&paused=false",
	}},
	{"group", benchToken, "/groups/1012/runners", []string{"", "status=online&tag_list=most", "type=instance_type&paused=false"}},
	{"project", benchToken, "/projects/1/runners", []string{"", "status=online&tag_list=most", "type=instance_type&paused=false"}},
	{"own", fewToken, "/runners", []string{"", "status=online&tag_list=most", "type=group_type&paused=false"}},
	{"own-of-many", manyToken, "/runners", []string{"", "status=online&tag_list=most", "type=group_type&paused=false"}},
}

func benchLists(b *testing.B, db sqlstore.Database, n int) {
	b.Helper()
	s := newBenchServer(b, sqlstore.New(db, sqlstore.Options{}))
	fleet := storetest.Fleet{Runners: n, Now: time.Now()}
	postgres := db.Kind() == "PostgreSQL"
	err := db.Tx(b.Context(), func(ctx context.Context, q sqlstore.Querier) error {
		fleet.Insert(ctx, b, q, postgres)
		fleet.Token(ctx, b, q, 2, manyToken)
		fleet.Token(ctx, b, q, 3, fewToken)
		return nil
	})
	if err == nil && postgres {
		_, err = db.Reads().ExecContext(b.Context(), "VACUUM ANALYZE") // as PostgreSQL does by itself after a minute
	}
	if err != nil {
		b.Fatal(err)
	}
	addr := serve(b, s, s)
	ask := func(b *testing.B, token, path string, query url.Values) {
		b.Helper()
		load.Load{Addr: addr, Conns: 1, Want: http.StatusOK, Request: load.Get("/api/v4"+path+"?"+query.Encode(), token)}.Run(b)
	}
	b.Run("floor", func(b *testing.B) { ask(b, benchToken, "/runners/all", url.Values{"tag_list": {"nobody's"}}) })
	for _, l := range benchedLists {
		for _, filter := range l.filters {
			for _, size := range []int{20, 100} {
				query, err := url.ParseQuery(filter)
				if err != nil {
					b.Fatal(err)
				}
				query.Set("per_page", strconv.Itoa(size))
				last := -1
				for _, page := range []string{"first", "middle", "last"} {
					b.Run(fmt.Sprintf("%s/%s/%d/%s", l.name, filter, size, page), func(b *testing.B) {
						if last < 0 {
							last = lastPage(b, s, l.token, l.path, query)
						}
						query.Set("page", strconv.Itoa(map[string]int{"first": 1, "middle": (last + 1) / 2, "last": last}[page]))
						ask(b, l.token, l.path, query)
					})
				}
			}
		}
	}
}

// lastPage finds the last page that has rows, or 1.
func lastPage(b *testing.B, s *Server, token, path string, query url.Values) int {
	b.Helper()
	return max(1, sort.Search(1<<20, func(page int) bool {
		query.Set("page", strconv.Itoa(page+1))
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v4"+path+"?"+query.Encode(), http.NoBody)
		r.Header.Set("Private-Token", token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
		return w.Body.String() == "[]"
	}))
}
