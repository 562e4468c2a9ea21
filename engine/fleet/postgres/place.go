package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/state"
)

// placeRow is the row of a place: the list of its files, each with the HMAC of its row.
type placeRow struct {
	id, version int64
	manifest    []listed
}

// listed is a file in the list of a place.
type listed struct {
	name string
	mac  []byte
}

// macSize is the size of an HMAC.
const macSize = 32

func encodeManifest(all []listed) []byte {
	b := []byte{} // never NULL
	for _, one := range all {
		b = binary.AppendUvarint(b, uint64(len(one.name)))
		b = append(append(b, one.name...), one.mac...)
	}
	return b
}

func decodeManifest(b []byte) (all []listed, ok bool) {
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) || uint64(len(b)-used)-n < macSize {
			return nil, false
		}
		b = b[used:]
		all = append(all, listed{string(b[:n]), slices.Clone(b[n : n+macSize])})
		b = b[n+macSize:]
	}
	return all, true
}

// find returns the HMAC of the row of a file.
func (p *placeRow) find(name string) (mac []byte, found bool) {
	i, found := slices.BinarySearchFunc(p.manifest, name, func(a listed, name string) int {
		return strings.Compare(a.name, name)
	})
	if !found {
		return nil, false
	}
	return p.manifest[i].mac, true
}

// set lists a file; without an HMAC it removes it.
func (p *placeRow) set(name string, mac []byte) {
	p.manifest = slices.DeleteFunc(p.manifest, func(a listed) bool { return a.name == name })
	if mac != nil {
		p.manifest = append(p.manifest, listed{name, mac})
		slices.SortFunc(p.manifest, func(a, b listed) int { return strings.Compare(a.name, b.name) })
	}
}

func (s *Store) placeMAC(place string, version int64, manifest []byte) *macWriter {
	return s.mac.of(macPlace, place).number(version).bytes(manifest)
}

// fileRow is the row of a file.
type fileRow struct {
	name                     string
	generation, size, chunks int64
	modified                 int64 // in microseconds
	mac                      []byte
}

func (s *Store) fileMAC(place string, r *fileRow) *macWriter {
	return s.mac.of(macFile, place).text(r.name).number(r.generation).number(r.size).number(r.chunks).number(r.modified)
}

func (s *Store) chunkMAC(place, name string, generation, number int64, data []byte) *macWriter {
	return s.mac.of(macChunk, place).text(name).number(generation).number(number).bytes(data)
}

func (r *fileRow) info() state.Info {
	return state.Info{Name: r.name, Size: r.size, Modified: time.UnixMicro(r.modified), Version: r.generation}
}

// readPlace returns the row of the place; nil when there is none. With lock it is locked until the end of
// the transaction.
func (f *files) readPlace(ctx context.Context, tx pgx.Tx, lock bool) (*placeRow, error) {
	p := &placeRow{}
	var manifest, mac []byte
	query := "SELECT id, version, manifest, mac FROM " + f.s.places + " WHERE place = $1"
	if lock {
		query += " FOR UPDATE"
	}
	err := tx.QueryRow(ctx, query, f.place).Scan(&p.id, &p.version, &manifest, &mac)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, f.orphans(ctx, tx)
	}
	if err != nil {
		return nil, err
	}
	all, ok := decodeManifest(manifest)
	if !ok || !f.s.placeMAC(f.place, p.version, manifest).is(mac) {
		return nil, damaged(f.String(), "the row of the place was not written with this key, or was changed")
	}
	p.manifest = all
	return p, nil
}

// orphans returns an error when there are files of a place that has no row: the row was removed.
func (f *files) orphans(ctx context.Context, tx pgx.Tx) error {
	var any bool
	query := fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM %[2]s WHERE place NOT IN (SELECT id FROM %[1]s)) OR "+
		"EXISTS (SELECT 1 FROM %[3]s WHERE place NOT IN (SELECT id FROM %[1]s))", f.s.places, f.s.files, f.s.holds)
	err := tx.QueryRow(ctx, query).Scan(&any)
	if err == nil && any {
		err = damaged(f.String(), "the row of the place is missing, and rows of its files are there")
	}
	return err
}

// readFile returns the row of a file.
func (f *files) readFile(ctx context.Context, tx pgx.Tx, p *placeRow, name string) (*fileRow, error) {
	missing := &missingError{f.Path(name)}
	if p == nil {
		return nil, missing
	}
	mac, is := p.find(name)
	r := &fileRow{name: name}
	err := tx.QueryRow(ctx, "SELECT generation, size, chunks, modified, mac FROM "+f.s.files+
		" WHERE place = $1 AND name = $2", p.id, name).Scan(&r.generation, &r.size, &r.chunks, &r.modified, &r.mac)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && !is:
		return nil, missing
	case errors.Is(err, pgx.ErrNoRows):
		return nil, damaged(f.Path(name), "its row is missing")
	case err != nil:
		return nil, err
	case !is:
		return nil, damaged(f.Path(name), "its row is not in the list of its place")
	case !f.s.fileMAC(f.place, r).is(r.mac):
		return nil, damaged(f.Path(name), "its row was not written with this key, or was changed")
	case string(mac) != string(r.mac):
		return nil, damaged(f.Path(name), "its row is of an earlier time")
	}
	return r, nil
}

// ensurePlace returns the id of the place, and makes its row if there is none.
func (f *files) ensurePlace(ctx context.Context, tx pgx.Tx) (id int64, err error) {
	err = tx.QueryRow(ctx, "SELECT id FROM "+f.s.places+" WHERE place = $1", f.place).Scan(&id)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, err
	}
	if err := f.orphans(ctx, tx); err != nil {
		return 0, err
	}
	manifest := encodeManifest(nil)
	_, err = tx.Exec(ctx, "INSERT INTO "+f.s.places+" (place, version, manifest, mac) VALUES ($1, 0, $2, $3) "+
		"ON CONFLICT (place) DO NOTHING", f.place, manifest, f.s.placeMAC(f.place, 0, manifest).sum())
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, "SELECT id FROM "+f.s.places+" WHERE place = $1", f.place).Scan(&id)
	return id, err
}

// lockPlace locks the row of the place until the end of the transaction, and returns an error when these
// are the files of a holder that has lost the place.
func (f *files) lockPlace(ctx context.Context, tx pgx.Tx) (*placeRow, error) {
	p, err := f.readPlace(ctx, tx, true)
	if err == nil && p == nil {
		err = damaged(f.String(), "the row of the place is missing")
	}
	if err != nil {
		return nil, err
	}
	if h := f.held(); h != nil {
		if err := h.fenced(ctx, tx, p.id); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// savePlace writes the row of the place.
func (f *files) savePlace(ctx context.Context, tx pgx.Tx, p *placeRow) error {
	manifest := encodeManifest(p.manifest)
	_, err := tx.Exec(ctx, "UPDATE "+f.s.places+" SET version = $2, manifest = $3, mac = $4 WHERE id = $1",
		p.id, p.version+1, manifest, f.s.placeMAC(f.place, p.version+1, manifest).sum())
	return err
}

// saveFile writes the row of a file, and lists it.
func (f *files) saveFile(ctx context.Context, tx pgx.Tx, p *placeRow, r *fileRow) error {
	r.modified = time.Now().UnixMicro()
	r.mac = f.s.fileMAC(f.place, r).sum()
	_, err := tx.Exec(ctx, "INSERT INTO "+f.s.files+" (place, name, generation, size, chunks, modified, mac) "+
		"VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (place, name) DO UPDATE SET generation = $3, size = $4, "+
		"chunks = $5, modified = $6, mac = $7", p.id, r.name, r.generation, r.size, r.chunks, r.modified, r.mac)
	if err != nil {
		return err
	}
	p.set(r.name, r.mac)
	return f.savePlace(ctx, tx, p)
}
