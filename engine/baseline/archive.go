package baseline

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/state"
)

// archiveVersion is the format of archives: a line with the kind and a JSON header, the files
// one after another, and a last line with the checksum of everything before it.
const archiveVersion = 1

const lineArchive = "pipe-state-archive"

// archived matches the suffixes of a place's files that an archive contains: not the lock, and
// no temporary file.
var archived = regexp.MustCompile(`^\.(owner|runs|hidden|refusal-[a-z2-7]{12}|approval-[a-z2-7]{12}|audit|journal|state)$`)

// The files of the baseline, the hidden list and the audit ledger.
const (
	suffixState  = ".state"
	suffixHidden = HiddenName
	suffixAudit  = ".audit"
)

// Archive is the header of an archive.
type Archive struct {
	Version int            `json:"version"`
	Place   string         `json:"place"`
	Made    time.Time      `json:"made"`
	Files   []ArchivedFile `json:"files"`
}

// ArchivedFile is one file of an archive.
type ArchivedFile struct {
	Suffix string `json:"suffix"`
	Size   int64  `json:"size"`
}

// ErrHasBaseline means that a place has a baseline, which an import would replace.
var ErrHasBaseline = errors.New("this state folder already has a baseline of the datasource")

// ErrNothing means that a folder has no state of a place.
var ErrNothing = errors.New("this state folder has no state of the datasource")

// Files returns the full names of the place's files for an archive. The baseline is last: an interrupted import
// leaves a place without a baseline.
func (s *Store) Files() ([]string, error) {
	all, err := s.archived()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range all {
		out = append(out, s.path(f.Name))
	}
	return out, nil
}

// archived returns the files for an archive.
func (s *Store) archived() ([]state.Info, error) {
	all, err := s.files.List(".")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f state.Info) bool { return !archived.MatchString(f.Name) })
	slices.SortFunc(all, func(a, b state.Info) int { return order(a.Name, b.Name) })
	return all, nil
}

// order sorts suffixes, with the baseline last.
func order(a, b string) int {
	switch {
	case a == suffixState:
		return 1
	case b == suffixState:
		return -1
	}
	return strings.Compare(a, b)
}

// Name returns the prefix of the names of all the place's files.
func (s *Store) Name() string { return s.files.Key() }

// Export writes the place's files to one archive, atomically and with mode 0600. It returns an
// error when a file is damaged or newer than this program. The caller holds the Lock.
func (s *Store) Export(path string) error {
	if err := s.sound(); err != nil {
		return err
	}
	files, err := s.archived()
	if err != nil {
		return err
	}
	h := Archive{Version: archiveVersion, Place: s.place, Made: time.Now().UTC()}
	for _, file := range files {
		h.Files = append(h.Files, ArchivedFile{file.Name, file.Size})
	}
	err = atomicfile.Replace(path, atomicfile.Options{Temporary: ".pipe-state-*"}, func(w io.Writer) error {
		return s.writeArchive(w, h)
	})
	if err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}

// sound returns an error when the place's state must not be exported.
func (s *Store) sound() error {
	base, err := s.Load()
	if err != nil {
		return err
	}
	defer base.Close()
	_, owned, err := s.Owner()
	switch {
	case err != nil:
		return err
	case base.Condition == Missing && !owned:
		return ErrNothing
	case base.Condition == Damaged || base.Condition == Newer:
		return fmt.Errorf("the baseline cannot be used: %s", base.Problem)
	}
	_, err = s.Hidden()
	return err
}

func (s *Store) writeArchive(to io.Writer, h Archive) error {
	sum := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(to, sum))
	head, err := codec.Marshal(h)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\t%s\n", lineArchive, head) // an error shows at Flush
	for _, file := range h.Files {
		f, err := s.files.Open(file.Suffix)
		if err != nil {
			return err
		}
		n, err := io.Copy(w, f)
		f.Close()
		if err == nil && n != file.Size {
			err = fmt.Errorf("%s changed while it was copied", s.path(file.Suffix))
		}
		if err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(to, "%s\t%s\n", lineEnd, hex.EncodeToString(sum.Sum(nil)))
	return err
}

// Import replaces the place's files with those of an archive of the same place. Refs that are
// hidden here but not in the archive stay hidden. Import changes nothing when the archive is
// damaged, newer or of another place, or when the place has a baseline and force is false. The
// caller holds the Lock.
func (s *Store) Import(path string, force bool) (Archive, error) {
	f, err := state.OpenFile(path)
	if err != nil {
		return Archive{}, fmt.Errorf("read the archive: %w", err)
	}
	defer f.Close()
	h, body, err := s.verifyArchive(f)
	if err != nil {
		return h, fmt.Errorf("%s cannot be imported: %w", path, err)
	}
	if s.there(suffixState) && !force {
		return h, ErrHasBaseline
	}
	if _, err := s.Hidden(); err != nil {
		return h, err
	}
	dir, err := s.files.Scratch()
	if err != nil {
		return h, err
	}
	defer os.RemoveAll(dir)
	in, err := Open(state.Folder(dir), s.place)
	if err != nil {
		return h, err
	}
	for _, file := range h.Files {
		if err := in.extract(file, body); err != nil {
			return h, err
		}
	}
	if err := in.sound(); err != nil {
		return h, fmt.Errorf("%s cannot be imported: %w", path, err)
	}
	hidden, err := in.Hidden()
	if err == nil {
		err = s.hideAlso(hidden)
	}
	if err == nil {
		err = s.install(in)
	}
	return h, err
}

// verifyArchive checks the whole archive and returns a reader of its files.
func (s *Store) verifyArchive(f *os.File) (h Archive, body io.Reader, err error) {
	info, err := f.Stat()
	if err != nil {
		return h, nil, err
	}
	tail := int64(len(lineEnd) + 1 + 2*sha256.Size + 1)
	whole := io.NewSectionReader(f, 0, max(0, info.Size()-tail))
	sum := sha256.New()
	if _, err := io.Copy(sum, whole); err != nil {
		return h, nil, err
	}
	last, err := io.ReadAll(io.NewSectionReader(f, whole.Size(), tail+1))
	if err != nil {
		return h, nil, err
	}
	if string(last) != fmt.Sprintf("%s\t%s\n", lineEnd, hex.EncodeToString(sum.Sum(nil))) {
		return h, nil, errors.New("it is damaged: its checksum is wrong")
	}
	r := bufio.NewReader(io.NewSectionReader(f, 0, whole.Size()))
	line, err := r.ReadBytes('\n')
	kind, head, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte("\t"))
	if err != nil || string(kind) != lineArchive || codec.Unmarshal(head, &h) != nil || h.Version < 1 {
		return h, nil, errors.New("it is not an archive of pipe state export")
	}
	size := int64(len(line))
	for _, file := range h.Files {
		if !archived.MatchString(file.Suffix) || file.Size < 0 || size+file.Size < size {
			return h, nil, fmt.Errorf("it has a file %q, which is not a state file", file.Suffix)
		}
		size += file.Size
	}
	switch {
	case h.Version > archiveVersion:
		return h, nil, fmt.Errorf("its format is %d, but this version of pipe reads up to %d",
			h.Version, archiveVersion)
	case h.Place != s.place:
		return h, nil, fmt.Errorf("it belongs to %s, but this is %s", h.Place, s.place)
	case size != whole.Size():
		return h, nil, errors.New("it is damaged: the sizes of its files differ")
	}
	return h, r, nil
}

func (s *Store) extract(file ArchivedFile, from io.Reader) error {
	if s.there(file.Suffix) {
		return fmt.Errorf("it has the file %s twice", file.Suffix)
	}
	return s.replaceFile(file.Suffix, func(w io.Writer) error {
		_, err := io.CopyN(w, from, file.Size)
		return err
	})
}

// hideAlso merges entries into the hidden list, which pipe hide may change at the same time. An
// item that either list hides stays hidden. A ref that was let back stays listed, since the
// imported baseline may have read it as hidden.
func (s *Store) hideAlso(hidden []Hidden) error {
	return s.UpdateHidden(func(all []Hidden) ([]Hidden, error) {
		for _, h := range hidden {
			i := slices.IndexFunc(all, func(o Hidden) bool { return o.Ref == h.Ref })
			if i < 0 {
				all = append(all, h)
				continue
			}
			if !h.Back.IsZero() {
				continue
			}
			all[i].IDs, all[i].Hashes = union(all[i].IDs, h.IDs), union(all[i].Hashes, h.Hashes)
			all[i].Back = time.Time{}
		}
		return all, nil
	})
}

// union returns a, followed by the elements of b that a lacks.
func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// install removes the place's files except the hidden list and copies those of another store here.
// The old baseline is removed first and the new one is written last.
func (s *Store) install(in *Store) error {
	old, err := s.archived()
	if err != nil {
		return err
	}
	for _, file := range slices.Backward(old) {
		if file.Name == suffixHidden {
			continue
		}
		if err := s.files.Remove(file.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	files, err := in.archived()
	if err != nil {
		return err
	}
	for _, file := range files {
		if file.Name == suffixHidden {
			continue
		}
		if err := s.copyFrom(in, file.Name); err != nil {
			return err
		}
	}
	return nil
}

// copyFrom replaces a file with that of another store.
func (s *Store) copyFrom(in *Store, name string) error {
	f, err := in.files.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.replaceFile(name, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}
