package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestLoadReadsEveryForm(t *testing.T) {
	zeros := strings.Repeat("00", keySize)
	tests := map[string]string{
		"hexadecimal":       zeros,
		"base64":            strings.Repeat("A", 43) + "=",
		"base64 unpadded":   strings.Repeat("A", 43),
		"white space":       "\n  " + zeros + " \r\n\n",
		"comment":           "# made in May\n" + zeros,
		"newest of several": zeros + "\n" + lineA,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret.key")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			k, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if want := ring(t, zeros).ID(); k.ID() != want {
				t.Errorf("id is %s, want %s", k.ID(), want)
			}
		})
	}
	if a, b := ring(t, "+/"+strings.Repeat("A", 41)), ring(t, "-_"+strings.Repeat("A", 41)); a.ID() != b.ID() {
		t.Error("the two alphabets of base64 give different keys")
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		mode       fs.FileMode
		want       string
	}{
		{"empty", "", 0o600, "the secret key file FILE holds no key: restore it, or remove it if Baton never started with it"},
		{"comments only", "# key\n\n", 0o600, "the secret key file FILE holds no key: restore it, or remove it if Baton never started with it"},
		{"short", lineA[2:], 0o600, "line 1 of the secret key file FILE is not a key: 32 bytes as base64 or as 64 hexadecimal digits"},
		{"not a key below one", lineA + "\n\nsecret", 0o600, "line 3 of the secret key file FILE is not a key: 32 bytes as base64 or as 64 hexadecimal digits"},
		{"twice", lineA + "\n" + strings.ToUpper(lineA), 0o600, "line 2 of the secret key file FILE repeats an earlier key"},
		{"large", strings.Repeat(lineA+"\n", 2000), 0o600, "the secret key file FILE is too large to be one"},
		{"read by all", lineA, 0o644, "the secret key file FILE can be read by every user of this machine (mode 0644): run chmod 600 FILE"},
		{"changed by the group", lineA, 0o660, "the secret key file FILE can be changed by others than its owner (mode 0660): run chmod 600 FILE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.mode != 0o600 && runtime.GOOS == "windows" {
				t.Skip("Windows has no permission bits")
			}
			path := filepath.Join(t.TempDir(), "secret.key")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if err == nil {
				t.Fatal("loaded")
			}
			if want := strings.ReplaceAll(test.want, "FILE", path); err.Error() != want {
				t.Errorf("error is\n%s\nwant\n%s", err, want)
			}
		})
	}
}

func TestLoadLetsTheGroupRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(path, []byte(lineA), 0o440); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}

func TestLoadTellsAMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v, want one that names the missing file", err)
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	created, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode is %04o, want 0600", got)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.Open(created.Seal([]byte("secret"), nil), nil); err != nil || string(got) != "secret" {
		t.Errorf("the loaded key opened %q, %v", got, err)
	}

	before, _ := os.ReadFile(path)
	if _, err := Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating again: %v, want ErrExist", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("creating again changed the file")
	}

	other, err := Create(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if other.ID() == created.ID() {
		t.Error("two files have the same key")
	}
	if _, err := Create(filepath.Join(t.TempDir(), "missing", "secret.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing directory: %v, want ErrNotExist", err)
	}
}
