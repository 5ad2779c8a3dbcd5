package seal

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// maxFile is far more than any secret key file holds; what is longer is some
// other file.
const maxFile = 64 << 10

// Load reads the secret key file. A file that every user of the machine can
// read, or that others than its owner can change, is refused. The error of a
// file that does not exist wraps [fs.ErrNotExist].
func Load(path string) (*Keyring, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("the secret key file %s cannot be read by the user that Baton runs as: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the secret key file: %w", err)
	}
	if err := checkMode(path, info.Mode()); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the secret key file %s: %w", path, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("the secret key file %s is too large to be one", path)
	}
	return parse(path, text)
}

// checkMode lets the group read, which is how service managers and Kubernetes
// hand secrets to a program that is not their owner. Windows has no such bits.
func checkMode(path string, mode fs.FileMode) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	switch perm := mode.Perm(); {
	case perm&0o004 != 0:
		return fmt.Errorf("the secret key file %s can be read by every user of this machine (mode %04o): run chmod 600 %s", path, perm, path)
	case perm&0o022 != 0:
		return fmt.Errorf("the secret key file %s can be changed by others than its owner (mode %04o): run chmod 600 %s", path, perm, path)
	}
	return nil
}

// parse never quotes a line: it may be a key with a slip in it.
func parse(path string, text []byte) (*Keyring, error) {
	ring := &Keyring{file: path}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		secret, ok := decode(line)
		if !ok {
			return nil, fmt.Errorf("line %d of the secret key file %s is not a key: 32 bytes as base64 or as 64 hexadecimal digits", n, path)
		}
		k, err := newKey(secret)
		if err != nil {
			return nil, fmt.Errorf("line %d of the secret key file %s: %w", n, path, err)
		}
		if slices.ContainsFunc(ring.keys, func(old key) bool { return old.id == k.id }) {
			return nil, fmt.Errorf("line %d of the secret key file %s repeats an earlier key", n, path)
		}
		ring.keys = append(ring.keys, k)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the secret key file %s: %w", path, err)
	}
	if len(ring.keys) == 0 {
		return nil, fmt.Errorf("the secret key file %s holds no key: restore it, or remove it if Baton never started with it", path)
	}
	return ring, nil
}

func decode(line string) (secret []byte, ok bool) {
	decoders := []func(string) ([]byte, error){
		hex.DecodeString,
		base64.StdEncoding.DecodeString,
		base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString,
		base64.RawURLEncoding.DecodeString,
	}
	for _, decode := range decoders {
		if secret, err := decode(line); err == nil && len(secret) == keySize {
			return secret, true
		}
	}
	return nil, false
}

// Create makes a secret key file with one new key that only the owner can
// read, and returns after it is safely on disk. The directory must exist. The
// error of a file that exists already wraps [fs.ErrExist]; the file is left as
// it is.
func Create(path string) (*Keyring, error) {
	secret := make([]byte, keySize)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	text := []byte(base64.StdEncoding.EncodeToString(secret) + "\n")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the secret key file: %w", err)
	}
	if err := write(f, text); err != nil {
		// Half a key would be taken for the user's own mistake at the next start.
		return nil, errors.Join(fmt.Errorf("create the secret key file: %w", err), os.Remove(path))
	}
	return parse(path, text)
}

// write fills the file and makes it and its name durable: a value sealed under
// a key that a power cut undoes would be lost.
func write(f *os.File, text []byte) error {
	_, err := f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil || runtime.GOOS == "windows" { // where directories cannot be synced
		return err
	}
	dir, err := os.Open(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
