package clientip

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, text string) List {
	t.Helper()
	list, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestParse(t *testing.T) {
	const neither = ` is neither an address such as 10.1.2.3 nor a network such as 10.0.0.0/8 or fd00::/8`
	tests := []struct {
		text    string
		want    []string
		wantErr string
	}{
		{text: "", want: nil},
		{text: " , \n", want: nil},
		{text: "127.0.0.0/8, ::1, 10.1.2.3", want: []string{"127.0.0.0/8", "::1/128", "10.1.2.3/32"}},
		{text: "10.0.0.0/8\tfd00::/8\n", want: []string{"10.0.0.0/8", "fd00::/8"}},
		{text: "0.0.0.0/0,::/0", want: []string{"0.0.0.0/0", "::/0"}},
		{text: "::ffff:10.1.2.3", want: []string{"10.1.2.3/32"}},
		{text: "10.0.0", wantErr: `"10.0.0"` + neither},
		{text: "10.1.2.3, localhost", wantErr: `"localhost"` + neither},
		{text: "10.0.0.0/33", wantErr: `"10.0.0.0/33"` + neither},
		{text: "::ffff:10.0.0.0/104", wantErr: `"::ffff:10.0.0.0/104"` + neither},
		{text: "fe80::1%eth0", wantErr: `"fe80::1%eth0"` + neither},
		{text: "10.1.2.3/8", wantErr: "10.1.2.3/8 is an address in a network: write 10.0.0.0/8 for the network or 10.1.2.3 for the address"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			var list List
			err := list.UnmarshalText([]byte(test.text))
			if gotErr := text(err); gotErr != test.wantErr {
				t.Errorf("error is %q, want %q", gotErr, test.wantErr)
			}
			var got []string
			for _, network := range list {
				got = append(got, network.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("list (-want +got):\n%s", diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestContains(t *testing.T) {
	list := parse(t, "127.0.0.0/8, ::1, 10.1.2.3, fe80::/10")
	tests := map[string]bool{
		"127.0.0.1": true, "127.255.0.9": true, "::1": true, "10.1.2.3": true,
		"::ffff:127.0.0.1": true, "fe80::1%eth0": true,
		"10.1.2.4": false, "128.0.0.1": false, "::2": false, "::ffff:128.0.0.1": false,
	}
	for addr, want := range tests {
		if got := list.Contains(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %t, want %t", addr, got, want)
		}
	}
	if list.Contains(netip.Addr{}) || List(nil).Contains(netip.MustParseAddr("127.0.0.1")) {
		t.Error("no address is in a list, or an address in no list")
	}
}

func TestOf(t *testing.T) {
	const proxies = "127.0.0.1, 10.0.0.0/8, ::1"
	forwarded := func(values ...string) http.Header { return http.Header{"X-Forwarded-For": values} }
	tests := []struct {
		name        string
		peer        string
		header      http.Header
		want        string // "" for no address
		wantCertain bool
	}{
		{"direct", "192.0.2.1:80", nil, "192.0.2.1", true},
		{"direct over IPv6", "[2001:db8::1]:80", nil, "2001:db8::1", true},
		{"direct, IPv4 as IPv6", "[::ffff:192.0.2.1]:80", nil, "192.0.2.1", true},
		{"direct, link-local", "[fe80::1%eth0]:80", nil, "fe80::1", true},
		{"direct from where a proxy is", "127.0.0.1:80", nil, "127.0.0.1", true},
		{"a Unix socket", "@", nil, "", false},
		{"a Unix socket with a header", "", forwarded("192.0.2.1"), "", false},

		{"one proxy", "10.0.0.1:80", forwarded("192.0.2.1"), "192.0.2.1", true},
		{"two proxies", "10.0.0.1:80", forwarded("192.0.2.1, 10.0.0.2"), "192.0.2.1", true},
		{"two proxies, a field each", "10.0.0.1:80", forwarded("192.0.2.1", "10.0.0.2"), "192.0.2.1", true},
		{"a forged first hop", "10.0.0.1:80", forwarded("127.0.0.1, 192.0.2.1"), "192.0.2.1", true},
		{"a forged first field", "10.0.0.1:80", forwarded("127.0.0.1", "192.0.2.1, 10.0.0.2"), "192.0.2.1", true},
		{"a forged hop that is none", "10.0.0.1:80", forwarded("<script>, 192.0.2.1"), "192.0.2.1", true},
		{"a client among the proxies", "10.0.0.1:80", forwarded("10.0.0.3, 10.0.0.2"), "10.0.0.3", true},
		{"over IPv6", "[::1]:80", forwarded("2001:db8::1"), "2001:db8::1", true},
		{"with ports", "10.0.0.1:80", forwarded("[2001:db8::1]:99, 10.0.0.2:99"), "2001:db8::1", true},
		{"in brackets", "10.0.0.1:80", forwarded("[2001:db8::1]"), "2001:db8::1", true},

		{"unknown proxy", "192.0.2.9:80", forwarded("127.0.0.1"), "192.0.2.9", false},
		{"unknown proxy on this machine", "127.0.0.2:80", forwarded("192.0.2.1"), "127.0.0.2", false},
		{"unknown proxy that says Via", "127.0.0.2:80", http.Header{"Via": {"1.1 x"}}, "127.0.0.2", false},
		{"proxy that says Via alone", "127.0.0.1:80", http.Header{"Via": {"1.1 x"}}, "127.0.0.1", false},
		{"proxy that says Forwarded alone", "127.0.0.1:80", http.Header{"Forwarded": {"for=192.0.2.1"}}, "127.0.0.1", false},
		{"proxy that does not know", "127.0.0.1:80", forwarded("unknown"), "127.0.0.1", false},
		{"proxy that says nothing", "127.0.0.1:80", forwarded(""), "127.0.0.1", false},
		{"second proxy that does not know", "127.0.0.1:80", forwarded("192.0.2.1, unknown, 10.0.0.2"), "10.0.0.2", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header = test.peer, test.header
			addr, certain := Of(r, parse(t, proxies))
			var got string
			if addr.IsValid() {
				got = addr.String()
			}
			if got != test.want || certain != test.wantCertain {
				t.Errorf("got %q, certain %t; want %q, %t", got, certain, test.want, test.wantCertain)
			}
		})
	}
}

// Whatever a caller writes into the header in front of what the proxy adds
// must not change who it is.
func FuzzOf(f *testing.F) {
	f.Add("127.0.0.1")
	f.Add("127.0.0.1, 10.0.0.2,")
	f.Add("[::1]:80,,\"")
	f.Fuzz(func(t *testing.T, forged string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.1:80"
		r.Header.Add("X-Forwarded-For", forged)
		r.Header.Add("X-Forwarded-For", forged+", 192.0.2.1")
		addr, certain := Of(r, parse(t, "10.0.0.0/8"))
		if addr.String() != "192.0.2.1" || !certain {
			t.Errorf("got %s, certain %t", addr, certain)
		}
	})
}
