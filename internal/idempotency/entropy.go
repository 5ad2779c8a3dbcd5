package idempotency

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"math"
	"regexp"
	"strings"
	"sync"
)

// No text proves that it is random, and an estimate of how hard a text is to
// guess is only as good as what it knows of how people write. So it is the
// other way round: a key has to show what only generators of random values
// write. Who has the database can try keys against the stored digest, as fast
// as hardware hashes.

// minMixed is the shortest stretch of base 62 or 64 that can be random enough:
// some 120 bits, as the other alphabets' shortest have.
const minMixed = 20

// A limit is the bits that each symbol of a stretch has to cost on average; see
// [costs]. An average says the more the longer the stretch is: it may be less
// than that of random text by slack, divided by the square root of the length.
// Of random stretches about one in ten thousand is refused at most. Those that have
// few digits by chance, or none, must be clearer, as people write few.
type limit struct{ usual, slack, fewDigits, noDigits float64 }

const (
	oneCase = iota
	mixedCase
)

var limits = [...]limit{
	oneCase:   {usual: 6.2, slack: 11.4, fewDigits: 10.3, noDigits: 7.5},
	mixedCase: {usual: 7, slack: 13.5, fewDigits: 13.1, noDigits: 11.4},
}

func (l limit) of(length, digits int) float64 {
	slack := l.slack
	switch digits {
	case 0:
		slack = l.noDigits
	case 1, 2:
		slack = l.fewDigits
	}
	return l.usual - slack/math.Sqrt(float64(length))
}

var (
	uuids = regexp.MustCompile(`[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`)
	// times match a date with or without a time, and seconds, milli-, micro- or
	// nanoseconds since 1970.
	times = regexp.MustCompile(`(?:19|20)\d\d-?[01]\d-?[0-3]\d(?:[T_-]?[0-2]\d[:.-]?[0-5]\d(?:[:.-]?[0-6]\d(?:[.]\d+)?)?)?|1[5-9]\d{8}(?:\d{3}){0,3}`)
	// The stretches that can be random, and those that can be another text
	// encoded.
	hexes    = regexp.MustCompile(`[0-9a-f]{32,}|[0-9A-F]{32,}`)
	onlyHex  = regexp.MustCompile(`^[0-9A-Fa-f]+$`)
	pieces   = regexp.MustCompile(`[0-9A-Za-z]{4,}`)
	oneCases = regexp.MustCompile(`[0-9a-z]{24,}|[0-9A-Z]{24,}`)
	mixed    = regexp.MustCompile(`[0-9A-Za-z_/+-]{20,}`)
	encoded  = regexp.MustCompile(`[0-9A-Za-z_/+]{8,}`)
)

// looksRandom says whether a key holds a random UUID, or a stretch of
// hexadecimal digits, base 32, 36, 62 or 64 that looks as random text does.
// What stands before and after it does not matter.
func looksRandom(key string) bool {
	rest := []byte(key)
	for _, at := range uuids.FindAllStringIndex(key, -1) {
		if randomUUID(key[at[0]:at[1]]) {
			return true
		}
		blank(rest, at)
	}
	for _, at := range encoded.FindAllIndex(rest, -1) {
		if encodesText(string(rest[at[0]:at[1]])) {
			blank(rest, at)
		}
	}
	var bits [maxLength + 1]float64
	var digits [maxLength + 1]int
	for i, cost := range costs(string(rest)) {
		bits[i+1], digits[i+1] = bits[i]+cost, digits[i]
		if class(rest[i]) == digit {
			digits[i+1]++
		}
	}
	passes := func(from, to int, l limit) bool {
		length := to - from
		return bits[to]-bits[from] >= float64(length)*l.of(length, digits[to]-digits[from])
	}
	for _, at := range hexes.FindAllIndex(rest, -1) {
		if randomHex(string(rest[at[0]:at[1]]), 24) {
			return true
		}
		blank(rest, at)
	}
	for _, at := range oneCases.FindAllIndex(rest, -1) {
		if passes(at[0], at[1], limits[oneCase]) && !onlyHex.Match(rest[at[0]:at[1]]) {
			return true
		}
	}
	for _, at := range mixed.FindAllIndex(rest, -1) {
		if mixedPasses(rest, at, passes) {
			return true
		}
	}
	return false
}

// mixedPasses tries what stands between any two signs: they can be part of
// random text as well as of what it was put together with.
func mixedPasses(text []byte, at []int, passes func(from, to int, l limit) bool) bool {
	for from := at[0]; from+minMixed <= at[1]; from++ {
		if from > at[0] && class(text[from-1]) != sign {
			continue
		}
		for to := from + minMixed; to <= at[1]; to++ {
			if to < at[1] && class(text[to]) != sign {
				continue
			}
			if passes(from, to, limits[mixedCase]) && bothCases(text[from:to]) {
				return true
			}
		}
	}
	return false
}

func blank(text []byte, at []int) {
	for i := at[0]; i < at[1]; i++ {
		text[i] = ' '
	}
}

func bothCases(text []byte) bool {
	var has [4]bool
	for _, c := range text {
		has[class(c)] = true
	}
	return has[lower] && has[upper]
}

// randomUUID says whether a UUID is of a version that is made of chance, and
// not one that was made up by hand. The others are times and places (1, 2, 6)
// or digests of names (3, 5). Scripts also write random bits in this form and
// leave out the version.
func randomUUID(id string) bool {
	digits := strings.ToLower(strings.ReplaceAll(id, "-", ""))
	least := 20
	switch standard := strings.ContainsRune("89ab", rune(digits[16])); {
	case standard && (digits[12] == '4' || digits[12] == '8'):
	case standard && digits[12] == '7': // begins with the time
		digits, least = digits[13:16]+digits[17:], 11
	case standard && strings.ContainsRune("12356", rune(digits[12])):
		return false // made from a time and a machine, or from a name
	default: // no UUID by RFC 9562, but 128 bits written like one
		return randomHex(digits, 24)
	}
	return unpredictable(digits) >= least
}

// randomHex says whether hexadecimal digits have so many that do not follow
// from others, and are no number and no words (deadbeef, cafebabe).
func randomHex(digits string, least int) bool {
	letters, turns := 0, 0
	for i := range len(digits) {
		if class(digits[i]) != digit {
			letters++
		}
		if i > 0 && class(digits[i]) != class(digits[i-1]) {
			turns++
		}
	}
	return letters >= 2 && turns >= 3 && unpredictable(digits) >= least
}

// unpredictable returns how many symbols do not follow from others; none if
// they are less than six different ones.
func unpredictable(text string) int {
	distinct := make(map[byte]bool)
	kept := 0
	for i, known := range predictable(text) {
		if !known {
			kept++
			distinct[text[i]] = true
		}
	}
	if len(distinct) < 6 {
		return 0
	}
	return kept
}

// encodesText says whether a stretch is readable text in hexadecimal, base 32
// or base 64, which would look random. Random bytes are no readable text.
func encodesText(stretch string) bool {
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(stretch)
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString,
		base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString,
		base64.RawStdEncoding.DecodeString,
	} {
		text, err := decode(plain)
		readable := err == nil && len(text) >= 12
		for _, c := range text {
			readable = readable && (' ' <= c && c <= '~' || c == '\n')
		}
		if readable {
			return true
		}
	}
	return false
}

// predictable marks the symbols that follow from those before: a block of four
// or more that stood before, a run or sequence (aaaa, 4321), and several of
// those in turn (a1b2c3).
func predictable(text string) []bool {
	text = strings.ToLower(text)
	known := make([]bool, len(text))
	const block = 4
	// same[j] is how many symbols before i are those before j.
	same := make([]int, len(text)+1)
	for i := range len(text) {
		for j := i; j > 0; j-- {
			if text[i] != text[j-1] {
				same[j] = 0
				continue
			}
			same[j] = same[j-1] + 1
			if same[j] >= block {
				for k := range block {
					known[i-k] = true
				}
			}
		}
	}
	goesOn := func(i, lag int) bool {
		if i < 2*lag {
			return false
		}
		step := int(text[i]) - int(text[i-lag])
		return -1 <= step && step <= 1 && step == int(text[i-lag])-int(text[i-2*lag])
	}
	for i := range len(text) {
		for lag := 1; lag <= 4; lag++ {
			if goesOn(i, lag) && goesOn(i-1, lag) {
				known[i-1], known[i] = true, true
			}
		}
	}
	return known
}

// The classes of symbols.
const (
	lower = iota
	upper
	digit
	sign
)

func class(c byte) int {
	switch {
	case 'a' <= c && c <= 'z':
		return lower
	case 'A' <= c && c <= 'Z':
		return upper
	case '0' <= c && c <= '9':
		return digit
	}
	return sign
}

// turns are the bits that a symbol's class costs after another's, where people
// write words, names, numbers and what stands between them.
var turns = [...][4]float64{
	lower: {lower: 0.3, upper: 4.3, digit: 4, sign: 3.5},
	upper: {lower: 0.6, upper: 2.5, digit: 4, sign: 4},
	digit: {lower: 3, upper: 4.3, digit: 0.7, sign: 2.3},
	sign:  {lower: 1, upper: 2, digit: 2.1, sign: 5},
}

// Bits of a letter at the beginning of a word, and of one (column) after
// another (row), in English and in programs.
const firsts = "45444455477545547434565688"

var pairs = [...]string{
	"75447659596353959343667769", "35553668467377479546387848",
	"37563673594568279453588879", "45542567388566458445577769",
	"47435567698553756334766579", "46554368299467369455497869",
	"46563654488554368445576788", "27662778397657369554588879",
	"56455559998442459543959696", "35553666667666358626467777",
	"46552647388665667636576778", "37642678398377369755578949",
	"25762788398557439756488879", "47443538496665469733667879",
	"66447669696442549344455799", "37673776596478349354578979",
	"77566766688667768556177788", "37552668396655469444567859",
	"46463674496566447642476869", "47562674398667459445587759",
	"55564569499443649333999798", "27571778389777579767788887",
	"37563663388674369346776799", "44443476498657638663787569",
	"55454566487544537433676787", "46561667378666468656777764",
}

// words is what people name things with, runners above all, and the words that
// hexadecimal digits spell.
var words = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(`
		access account action actions admin agent alice alpha amazon amd android ansible apache api app application april arch archive arm asia
		attempt august auth auto aws azure back backend backup banana bash batch baton bench berlin beta blue bob board book boot bot box branch bravo
		browser bucket bug build builder cache call canary carol case cat central charlie chart chat check chrome circle clean client cloud cluster code
		com commit compile component config container content control copy core correct count create creation cron customer daily dashboard data database date
		dave day debian debug december default delta demo deploy deployer deployment design desktop dev developer development device disk docker docs document domain
		dragon east echo edge eight email engine entry env environment error europe event example execute executor external fast february feature fedora file
		first five flow for force four foxtrot frankfurt friday from front frontend full function gamma gateway gcp generic get git gitea github gitlab global gold
		golf google gpu graph green group guest hello helm hello home horse host hotel hour house http idempotency idempotent image index info infra init input install
		instance int integration internal iphone item james january java jenkins job john july june kernel key kube kubernetes lab lambda large
		last latest legacy letmein level library lima linux list load local log login london machine mac macos mail main maintenance manager march mary master medium
		merge message meta metrics michael micro mike minor mobile model module monday money monitor monkey month mysql name namespace network new nginx night
		nightly nine node north november number object october one open ops oracle orange order org oscar package page papa paris parse pass password patch payment
		peter phone ping pipeline platform play plugin pod point pool port post postgres power preview primary print private prod product production profile
		project prometheus proxy public pull purple push python quebec queue quick rack random react read red redis region register registration
		release remote render replica report repository request resource response rest result retry review robot role root router ruby rule run runner runners
		running rust safe sample saturday scan schedule schema script search second secret secure security send september server service session set setup seven shared
		shell shop sierra silver simple single site six slow small smith social software some source south spring sql stack stage staging standard staple start state static
		status step storage store stream string sub summer sunday super support swarm swift sydney system table tag target task team tech temp template ten terraform
		terraformer test testing text the this three thursday ticket time timer token tokyo tool tools track trigger tuesday two type ubuntu unique unit
		update upgrade upload user value vault version victor video virtual vm volume wait watch web webhook website wednesday week weekly welcome west whiskey
		white win window windows winter with work worker workflow workspace world write yankee year yellow yes york your zero zone zulu
		mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep oct nov dec gmt utc cet est pst
		babe bad bead beef cafe dead deaf decade facade face fade feed food`) {
		set[word] = true
	}
	return set
})

// The bits of a word, and the lengths of those that count: shorter ones occur
// by chance.
const (
	wordBits             = 10
	minWord, longestWord = 3, 12
)

// costs is how many bits each symbol costs who writes a key down in a code made
// for what people write: few for the usual, many for what they hardly ever
// write. Random text costs much in it.
func costs(key string) []float64 {
	bits := make([]float64, len(key))
	known := predictable(key)
	for _, at := range times.FindAllStringIndex(key, -1) {
		for i := at[0]; i < at[1]; i++ {
			known[i] = true
		}
	}
	folded := strings.ToLower(key)
	unleet := strings.Map(func(c rune) rune {
		if l := letter(byte(c)); l != 0 {
			return rune(l)
		}
		return c
	}, folded)
	end, each := 0, 0.0
	for i := range len(key) {
		if i >= end {
			if n := wordAt(key, folded, unleet, i); n > 0 {
				end, each = i+n, wordBits/float64(n)
			}
		}
		switch {
		case known[i]:
			bits[i] = 0.5
		case i < end:
			bits[i] = each
		default:
			bits[i] = cost(key, i)
		}
		if i >= walk-1 && walked(key[i-walk+1:i+1]) {
			for k := range walk {
				bits[i-k] = min(bits[i-k], 2)
			}
		}
	}
	// The first digits of a commit or of a container.
	for _, at := range pieces.FindAllStringIndex(key, -1) {
		if onlyHex.MatchString(key[at[0]:at[1]]) {
			for i := at[0]; i < at[1]; i++ {
				bits[i] = min(bits[i], 4)
			}
		}
	}
	return bits
}

// wordAt returns the length of the longest word that begins at i, in small
// letters but for the first, in capitals, or with digits for letters; or 0.
func wordAt(key, folded, unleet string, i int) int {
	for n := min(longestWord, len(key)-i); n >= minWord; n-- {
		written, word := key[i:i+n], folded[i:i+n]
		if words()[word] && (written[1:] == word[1:] || written == strings.ToUpper(written)) {
			return n
		}
		if n > minWord && words()[unleet[i:i+n]] {
			return n
		}
	}
	return 0
}

func cost(key string, i int) float64 {
	before, c := byte('-'), key[i]
	if i > 0 {
		before = key[i-1]
	}
	was, is := class(before), class(c)
	bits := turns[was][is]
	if was == upper && is == upper && i > 1 && class(key[i-2]) == upper {
		bits = 0.3
	}
	switch is {
	case digit:
		bits += 3
		if l := letter(c); l != 0 && was <= upper {
			bits = min(bits, 3+pair(before, l))
		}
	case sign:
		bits += 2
		if c == '-' || c == '_' {
			bits -= 0.8
		}
	default:
		switch {
		case was == lower && is == upper || was >= digit:
			bits += float64(firsts[c|0x20-'a'] - '0')
		default:
			bits += pair(before, c)
		}
		if l := letter(before); l != 0 && i > 1 && class(key[i-2]) <= upper {
			bits = min(bits, 1+pair(l, c))
		}
	}
	return bits
}

func pair(before, c byte) float64 {
	return float64(pairs[before|0x20-'a'][c|0x20-'a'] - '0')
}

// letter returns the letter that a digit stands for in P4ssw0rd, or 0.
func letter(c byte) byte {
	if i := strings.IndexByte("0134578", c); i >= 0 {
		return "oieastb"[i]
	}
	return 0
}

// walk is how many keys of a keyboard are a walk over it, if each touches the
// one before.
const walk = 4

func walked(keys string) bool {
	for i := 1; i < len(keys); i++ {
		if !neighbours(keys[i-1], keys[i]) {
			return false
		}
	}
	return true
}

// neighbours says whether two keys of a keyboard touch.
func neighbours(a, b byte) bool {
	xa, ya := place(a)
	xb, yb := place(b)
	return ya >= 0 && yb >= 0 && max(xa-xb, xb-xa) <= 4 && max(ya-yb, yb-ya) <= 1
}

// place returns where a key of a keyboard is, in quarters of a key from the
// left and rows from the top; the row is -1 for none.
func place(c byte) (x, y int) {
	if class(c) == upper {
		c |= 0x20
	}
	for y, row := range [...]string{"1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"} {
		if x := strings.IndexByte(row, c); x >= 0 {
			return 4*x + [...]int{0, 2, 3, 5}[y], y
		}
	}
	return 0, -1
}
