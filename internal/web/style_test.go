package web

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func stylesheet(t *testing.T) string {
	t.Helper()
	css, err := static.ReadFile("static/baton.css")
	if err != nil {
		t.Fatal(err)
	}
	return string(css)
}

// Text is readable in both colour schemes: WCAG AA asks for 4.5 to 1.
func TestContrast(t *testing.T) {
	light, dark, found := strings.Cut(stylesheet(t), "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "/* The ground */")
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colour[m[1]] = m[2]
		}
		for _, pair := range []string{
			"text on page", "text on surface", "text on bad-wash",
			"muted on page", "muted on surface", "muted on bad-wash",
			"accent on page", "accent on surface",
			"good on page", "good on surface", "bad on page", "bad on surface",
		} {
			over, under, _ := strings.Cut(pair, " on ")
			if colour[over] == "" || colour[under] == "" {
				t.Errorf("%s: %s: no such colour", scheme, pair)
				continue
			}
			a, b := luminance(t, colour[over]), luminance(t, colour[under])
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s: contrast %.2f to 1", scheme, pair, ratio)
			}
		}
	}
}

// luminance is WCAG's, of a colour as rrggbb.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	channel := func(hex string) float64 {
		n, err := strconv.ParseUint(hex, 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(colour[0:2]) + 0.7152*channel(colour[2:4]) + 0.0722*channel(colour[4:6])
}

// The stylesheet brings nothing from elsewhere and names only what it defines.
func TestStylesheetIsWhole(t *testing.T) {
	css := stylesheet(t)
	for _, outside := range []string{"url(", "@import", "http:", "https:"} {
		if strings.Contains(css, outside) {
			t.Errorf("the stylesheet has %s", outside)
		}
	}
	for _, m := range regexp.MustCompile(`var\((--[a-z-]+)\)`).FindAllStringSubmatch(css, -1) {
		if !strings.Contains(css, m[1]+":") {
			t.Errorf("the stylesheet uses %s, which it does not define", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(--[a-z-]+):`).FindAllStringSubmatch(css, -1) {
		if !strings.Contains(css, "var("+m[1]+")") {
			t.Errorf("the stylesheet defines %s, which it does not use", m[1])
		}
	}
}
