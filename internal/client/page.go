package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
)

// Pages asks for a list page by page, from the one that the request names to
// the last. It ends after an error.
func (c *Client) Pages(ctx context.Context, r *Request) iter.Seq2[*Answer, error] {
	return func(yield func(*Answer, error) bool) {
		page := *r
		for {
			answer, err := c.Ask(ctx, &page)
			if err != nil {
				yield(nil, err)
				return
			}
			next := answer.next(page.Query)
			if !yield(answer, nil) || next == nil {
				return
			}
			page.Query = next
		}
	}
}

// Total returns how many rows a list has on all its pages; a server does not
// tell when they are very many.
func (a *Answer) Total() (rows int, told bool) {
	rows, err := strconv.Atoi(a.Header.Get("X-Total"))
	return rows, err == nil
}

// More reports whether another page follows.
func (a *Answer) More() bool { return a.next(nil) != nil }

// next returns the query of the page that follows, nil at the end.
//
// Most lists number their pages, and X-Next-Page is "" at the end. Keyset
// pages are named by Link alone, https://docs.gitlab.com/api/rest/#keyset-based-pagination.
// Only the query of that is used: its host is what the server takes for its
// address, which need not be ours, and the token must not go there.
func (a *Answer) next(query url.Values) url.Values {
	if numbers := a.Header.Values("X-Next-Page"); len(numbers) > 0 {
		if numbers[0] == "" {
			return nil
		}
		next := maps.Clone(query)
		if next == nil {
			next = url.Values{}
		}
		next.Set("page", numbers[0])
		return next
	}
	for _, header := range a.Header.Values("Link") {
		for _, link := range links.FindAllStringSubmatch(header, -1) {
			if u, err := url.Parse(link[1]); err == nil && link[2] == "next" {
				return u.Query()
			}
		}
	}
	return nil
}

// links finds the addresses of a Link header and what they are, RFC 8288.
var links = regexp.MustCompile(`<([^>]*)>\s*;\s*rel="?(\w+)"?`)

// Get returns a request that reads, with the parameters that are not "".
func Get(path string, params map[string]string) *Request {
	query := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if params[name] != "" {
			query.Set(name, params[name])
		}
	}
	return &Request{Method: http.MethodGet, Path: path, Query: query}
}
