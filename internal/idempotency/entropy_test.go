package idempotency

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestEasyKeysAreRefused(t *testing.T) {
	for key := range strings.Lines(easyKeys) {
		key = strings.TrimSpace(key)
		if key == "" {
			continue
		}
		if looksRandom(key) {
			t.Errorf("%s looks random", key)
		}
		if _, err := Parse(1, `"`+key+`"`); err == nil {
			t.Errorf("%s is accepted", key)
		}
	}
}

const easyKeys = `
aaaaaaaaaaaaaaaa
abababababababababababababababab
aAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaA
1234567890123456
0123456789abcdef0123456789abcdef
0123456789abcdefghijklmnopqrstuv
abcdefghijklmnopqrstuvwxyz
AbCdEfGhIjKlMnOpQrStUvWxYz
ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789
zyxwvutsrqponmlkjihgfedcba
fedcba9876543210fedcba9876543210
qwertyuiopasdfgh
qwertyuiopasdfghjklzxcvbnm
QwErTyUiOpAsDfGhJkLzXcVbNm
1qaz2wsx3edc4rfv5tgb6yhn7ujm
1q2w3e4r5t6y7u8i9o0p1q2w3e
zaq12wsxcde34rfvbgt56yhnmju7
asdfASDFasdfASDFasdfASDF
a1b2c3d4e5f6a7b8c9d0
a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6
A1b2C3d4E5f6G7h8I9j0K1l2
abc123abc123abc123abc123abc123ab
deadbeefdeadbeefdeadbeefdeadbeef
deadbeefcafebabefeedfacebaadf00d
cafebabe00000000cafebabe00000001
ffffffffffffffffffffffffffffffff
31415926535897932384626433832795
passwordpasswordpassword
PasswordPasswordPassword1
P4ssw0rdP4ssw0rdP4ssw0rd
Sup3rS3cr3tP4ssw0rdF0rRunn3r
correcthorsebatterystaple
Correct-Horse-Battery-Staple-42
MyVerySecretIdempotencyKey2026
this-is-my-idempotency-key
idempotency-key-number-one
letmeinletmeinletmeinletmein
2027-10-29T17:38:52.947Z
2027-10-29T17:38:52.947123456+01:00
20261123T124400Z-20261123T124401Z
2027-10-29 17:38:52 retry 3
20261123124400-Runner-20261123124401
Mon-23-Nov-2026-12:44:00-GMT
Mon_Nov_23_12_44_00_CET_2026
1764000000000000000
1764000000000-1764000000001
create-runner-1764000000000
create-runner-1764000000-host17-4711
run20261123124400host17rack42
create-runner-for-group-tools
CREATE_RUNNER_FOR_GROUP_TOOLS
Create-Runner-For-Group-Tools
createrunnerforgrouptools
CREATERUNNERFORGROUPTOOLS
createRunnerForGroupTools
createRunnerForGroupTools2
CreateRunnerForProjectAlphaInStaging
create-runner-for-project-alpha-in-ci-pipeline-nightly-run-number-two
Create-Runner-For-Project-Alpha-In-CI-Pipeline-Nightly-Run-Number-Two
Runner-for-Team-A
My-Project-Runner-1
My_Project_Runner_1_For_Team_B_Attempt_2
TerraformRunner-prod-01
TerraformRunner-prod-01-TerraformRunner-prod-02
Ticket-4711/Runner-3
Ticket-4711/Runner-3/Attempt-2/User-42
JIRA-1234-Runner-For-Backend-Team
INC0012345-CHG0067890-RUNNER-01
pipeline-123456-job-789012-runner
Pipeline-123456-Job-789012-Runner-1
user42-runner7-host3-1
user42runner7host3node1rack12
web01db02cache03web04db05cache06
Web01-Db02-Cache03-App04-Prod05
deploy-7f3a9c21-web-01
Deploy-7f3a9c21-Web-01-Prod
deploy-web-7d9f8b6c5d-x2x4q
gitlab-runner-7d9f8b6c5d-x2x4q-prod
Runner-k8s-eu-west-1a-node-3f9c
ip-10-0-12-34.eu-central-1.compute.internal
ec2-3-120-45-67.eu-central-1.compute.amazonaws.com
i-0abcd1234ef567890-runner
arn:aws:iam::123456789012:role/GitlabRunnerRole
https://gitlab.example.com/groups/tools/-/runners
git@gitlab.example.com:tools/Runner-Operator.git
alice.smith@example.com-runner-1
Alice.Smith-Runner-for-Team-Blue
JohnSmith1985JohnSmith1985
MaryJohnsonBirthday19850412
peter-mueller-berlin-1985-04-12
Hans_Mueller_Frankfurt_Runner_7
MuenchenHauptbahnhofRunner2026
BundesministeriumFuerDigitales01
ServidorDeProduccionNumero3
serveurdeproductionnumerotrois
LesRunnersDeLEquipeInfrastructure
RunnerDlaZespoluWarszawa2026
thequickbrownfoxjumpsoverthelazydog
TheQuickBrownFoxJumpsOverTheLazyDog
ToBeOrNotToBeThatIsTheQuestion
JanuaryFebruaryMarchAprilMay2026
MondayTuesdayWednesdayThursday
alpha-bravo-charlie-delta-echo-foxtrot
AlphaBravoCharlieDeltaEchoFoxtrot
one-two-three-four-five-six-seven
OneTwoThreeFourFiveSixSeven
red-green-blue-yellow-orange-purple
v1.2.3-rc.4+build.5678.linux.amd64
Linux-x86_64-Ubuntu-22.04-Docker-24.0.7
linux/amd64/golang:1.26-alpine3.20
PostgreSQL-16.2-Debian-12-AMD64
Python-urllib3-2.2.1-Retry-Attempt-3
main-feature/ABC-1234-add-runner-support
refs/heads/feature/Runner-Creation-Retry
module.gitlab.gitlab_user_runner.this[0]
module.runner["eu-west-1"].gitlab_user_runner
GitLabUserRunnerResource-ProdEuWest1
de:ad:be:ef:00:01-de:ad:be:ef:00:02
02:42:ac:11:00:02-runner-eth0
fe80::0242:acff:fe11:0002-runner
192.168.178.100-192.168.178.101
+49-30-1234567-Runner-1
4111-1111-1111-1111-4111
00000000000000000000000000000000000001
0000-0001-0002-0003-0004-0005-0006
1-2-3-4-5-6-7-8-9-10-11-12-13-14-15
11223344556677889900aabbccddeeff
00112233445566778899aabbccddeeff
1111111122222222333333334444444455555555
9m4e2mr0ui3e8a215n4g
507f1f77bcf86cd799439011
63726561746572756e6e6572666f7267726f7570746f6f6c73
Y3JlYXRlLXJ1bm5lci1mb3ItZ3JvdXAtdG9vbHM
MNZGKYLUMUWXE5LONZSXELLGN5ZC2Z3SN52XA
6ba7b810-9dad-11d1-80b4-00c04fd430c8
1b4e28ba-2fa1-11d2-883f-0016d3cca427
6BA7B810-9DAD-11D1-80B4-00C04FD430C8
create-runner-6ba7b810-9dad-11d1-80b4-00c04fd430c8
000003e8-cbb9-21ea-b201-00045a86c8a1
1ec9414c-232a-6b00-b3c8-9f6bdeced846
5df41881-3aed-3515-88a7-2f4a814cf09e
2ed6657d-e927-568b-95e1-2665a8aea6a2
00000000-0000-0000-0000-000000000000
ffffffff-ffff-ffff-ffff-ffffffffffff
11111111-1111-4111-8111-111111111111
00000000-0000-4000-8000-000000000001
12345678-1234-4234-8234-123456789abc
01234567-89ab-4cde-8f01-23456789abcd
deadbeef-dead-4eef-8eef-deadbeefdead
01936f2c-8a4e-7000-8000-000000000001
aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa
----------------
--------------------------------
Aa1-Aa1-Aa1-Aa1-Aa1-Aa1-Aa1
`

// chance has a seed, so that the samples are the same in every run.
var (
	seed   = [32]byte([]byte("keys that random generators make"))
	chance = rand.NewChaCha8(seed)
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = chance.Read(b)
	return b
}

const (
	digits = "0123456789"
	small  = "abcdefghijklmnopqrstuvwxyz"
	big    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func randomText(alphabet string, n int) string {
	r := rand.New(chance)
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// uuid4 returns a random UUID.
func uuid4() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func hex128() string { return hex.EncodeToString(randomBytes(16)) }

// A refusal of a random key would be a failure that comes once in a while and
// that nobody can explain, so fewer than one in ten thousand may be.
func TestRandomKeysPass(t *testing.T) {
	generators := map[string]func() string{
		"UUIDv4":             uuid4,
		"UUIDv4, upper":      func() string { return strings.ToUpper(uuid4()) },
		"UUIDv7":             func() string { return "01936f2c-8a4e-7" + uuid4()[15:] },
		"UUIDv8":             func() string { id := uuid4(); return id[:14] + "8" + id[15:] },
		"ULID":               func() string { return "01JDCK7M8N" + randomText("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 16) },
		"KSUID":              func() string { return "2pYkZq" + randomText(digits+big+small, 21) },
		"nanoid":             func() string { return randomText(digits+big+small+"_-", 21) },
		"cuid2":              func() string { return "t" + randomText(digits+small, 23) },
		"128 bits of hex":    hex128,
		"128 bits, upper":    func() string { return strings.ToUpper(hex128()) },
		"256 bits of hex":    func() string { return hex.EncodeToString(randomBytes(32)) },
		"base64url":          func() string { return base64.RawURLEncoding.EncodeToString(randomBytes(16)) },
		"base64":             func() string { return base64.StdEncoding.EncodeToString(randomBytes(16)) },
		"base64, 32 bytes":   func() string { return base64.StdEncoding.EncodeToString(randomBytes(32)) },
		"base32":             func() string { return randomText(big+"234567", 26) },
		"lower base32":       func() string { return randomText(small+"234567", 26) },
		"base62":             func() string { return randomText(digits+big+small, 20) },
		"base62, 32":         func() string { return randomText(digits+big+small, 32) },
		"like Stripe's":      func() string { return "ik_live_" + randomText(digits+big+small, 24) },
		"with a prefix":      func() string { return "deploy-web-" + uuid4() },
		"with a suffix":      func() string { return uuid4() + "-attempt-1" },
		"base64url in names": func() string { return "Runner-" + base64.RawURLEncoding.EncodeToString(randomBytes(16)) + "-prod" },
		"with a time":        func() string { return "2026-11-23T12:44:00Z-" + hex128() },
		"in braces":          func() string { return "{" + uuid4() + "}" },
	}
	samples := 5000
	if testing.Short() {
		samples = 500
	}
	for name, generate := range generators {
		t.Run(name, func(t *testing.T) {
			chance.Seed(seed)
			refused := 0
			for range samples {
				if key := generate(); !looksRandom(key) {
					refused++
					t.Logf("%s is refused", key)
				}
			}
			if refused > 1+samples/10_000 {
				t.Errorf("%d of %d are refused", refused, samples)
			}
			if _, err := Parse(1, generate()); err != nil {
				t.Error(err)
			}
		})
	}
}

func BenchmarkLooksRandom(b *testing.B) {
	for name, key := range map[string]string{
		"UUID":              someUUID,
		"base64url":         "kq3vZ0Yw7rT1mXe9Bd5uLg",
		"255 signs":         strings.Repeat("-", maxLength),
		"255 letters, A-b":  strings.Repeat("A-bC", maxLength/4),
		"255 words, seldom": strings.Repeat("Create-Runner-For_Group/Tools7-", 8),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				looksRandom(key)
			}
		})
	}
}
