package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// A server is an address with the token that was given for it.
type server struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// servers are those that baton login saved, by the names they were given.
type servers struct {
	// Current is the name of the server that is asked unless one is named.
	Current string            `json:"current"`
	Servers map[string]server `json:"servers"`

	path string
}

// loadServers reads the saved servers; where nobody ever signed in, there are
// none. A file that others can read is refused: it holds tokens.
func loadServers(std Stdio) (*servers, error) {
	dir, err := std.ConfigDir()
	if err != nil {
		return nil, fmt.Errorf("find the directory of settings: %w", err)
	}
	saved := &servers{path: filepath.Join(dir, "baton", "servers.json"), Servers: map[string]server{}}
	f, err := os.Open(saved.path)
	if errors.Is(err, fs.ErrNotExist) {
		return saved, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the saved servers: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the saved servers: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // Windows has no such bits
		return nil, fmt.Errorf("%s holds access tokens and is open to others (mode %04o): run chmod 600 %s", saved.path, info.Mode().Perm(), saved.path)
	}
	if err := json.NewDecoder(f).Decode(saved); err != nil {
		return nil, fmt.Errorf("%s cannot be read (%w): mend it, or remove it and sign in again with baton login", saved.path, err)
	}
	if saved.Servers == nil {
		saved.Servers = map[string]server{}
	}
	return saved, nil
}

// save writes the file, for its owner alone.
func (s *servers) save() error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the saved servers: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("write the saved servers: %w", err)
	}
	file, err := newSecretFile(s.path)
	if err != nil {
		return err
	}
	return file.write(append(text, '\n'))
}

// A secretFile takes the place of another when it is written: there is the old
// content or the new one, and never part of it. Only its owner can read it.
type secretFile struct {
	path string
	temp *os.File
}

// newSecretFile opens a file before there is anything to write, so that what
// is shown once is not made for a place where it cannot be kept.
func newSecretFile(path string) (*secretFile, error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written: %w", path, errors.Unwrap(err))
	}
	return &secretFile{path, temp}, nil
}

// write fills the file and puts it in its place.
func (f *secretFile) write(content []byte) error {
	_, err := f.temp.Write(content)
	err = errors.Join(err, f.temp.Sync(), f.temp.Close())
	if err == nil {
		err = os.Rename(f.temp.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", f.path, err), os.Remove(f.temp.Name()))
	}
	return nil
}

// drop leaves the place as it was.
func (f *secretFile) drop() error {
	return errors.Join(f.temp.Close(), os.Remove(f.temp.Name()))
}
