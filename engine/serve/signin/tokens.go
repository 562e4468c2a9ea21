package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Token is an entry of the tokens file. The token itself is not stored.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Person  bool      `json:"person,omitempty"` // the token is used by the person Name
	Hash    string    `json:"hash"`             // SHA-256 of the token, in hexadecimal
	Grant   Grant     `json:"grant"`
	Records Records   `json:"records,omitzero"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero for never
}

// principal returns who uses the token.
func (t *Token) principal() *Principal {
	p := &Principal{ID: t.ID, Name: t.Name, Person: t.Person, Proven: true, Grants: []Grant{t.Grant},
		Records: t.Records}
	if t.Person {
		p.Name = Canonical(t.Name)
	}
	return p
}

// prefix begins every token; secret scanners find a token by it.
const prefix = "pipe_"

// tokenBytes is the number of random bytes of a token. A guess is hopeless, so one round of
// SHA-256 is enough for the file.
const tokenBytes = 32

// TokensPath returns the path of the tokens file in the folder of a server.
func TokensPath(folder string) string { return filepath.Join(folder, "tokens.json") }

type tokensFile struct {
	Version int     `json:"version"`
	Tokens  []Token `json:"tokens"`
}

const tokensVersion = 1

// ReadTokens returns the tokens in the file at path; none when there is no file. It returns a
// *fault.StateError when other users of the machine may read or change the file, and when it
// is not a tokens file.
func ReadTokens(path string) ([]Token, error) {
	b, err := readPrivate(path, "if others may have changed it, add the tokens again")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var read tokensFile
	err = codec.Unmarshal(b, &read)
	switch {
	case err != nil:
		return nil, &fault.StateError{Err: fmt.Errorf("%s is damaged: %w", path, err),
			Remedy: "restore it, or remove it and add the tokens again: pipe serve token add"}
	case read.Version != tokensVersion:
		return nil, &fault.StateError{Err: fmt.Errorf("%s has format %d, and this version of pipe knows %d", path,
			read.Version, tokensVersion), Remedy: "use the version of pipe that wrote it"}
	}
	return read.Tokens, nil
}

// check returns a *fault.Invalid for a token that could not do what its roles say.
func (t *Token) check() error {
	has := func(role Role) bool { return slices.Contains(t.Grant.Roles, role) }
	pushes := len(t.Records.Kinds)+len(t.Records.Namespaces) > 0
	switch {
	case len(t.Grant.Roles) == 0:
		return &fault.Invalid{Reason: "a token without a role may do nothing", Remedy: "add --role view, or another one"}
	case strings.TrimSpace(t.Name) == "" || strings.ContainsAny(t.Name, "\n\r\t"):
		return &fault.Invalid{Reason: "a token needs a name for the audit log",
			Remedy: "write pipe serve token add NAME --role view"}
	case has(Approve) && !t.Person:
		return &fault.Invalid{Reason: "only a person may approve, and this token is for a program",
			Remedy: "add --person when a person of this name uses it, or leave the role approve out"}
	case t.Records.Identities && pushes:
		return &fault.Invalid{
			Reason: "a token for people and groups pushes nothing else, so it has no --kind and no --namespace",
			Remedy: "add a second token for other records"}
	case has(Push) && len(t.Records.Kinds) == 0 && !t.Records.Identities:
		return &fault.Invalid{Reason: "a token with the role push names the kinds that it may push",
			Remedy: "add --kind Component, and so on, or --identities for people and groups"}
	case !has(Push) && (pushes || t.Records.Identities):
		return &fault.Invalid{Reason: "--kind, --namespace and --identities go with the role push",
			Remedy: "add --role push, or leave them out"}
	}
	return nil
}

// AddToken adds a token to the file at path, and returns it: the only time that it is known. Two
// processes that change the file at once lose nothing. It returns a *fault.Invalid for a token that
// could not do what its roles say, and for a person with the name of a program.
func AddToken(path string, t Token) (token string, added Token, err error) {
	if err := t.check(); err != nil {
		return "", t, err
	}
	secret := make([]byte, tokenBytes)
	rand.Read(secret) // never fails
	token = prefix + base64.RawURLEncoding.EncodeToString(secret)
	t.Hash, t.ID = hashOf(token), hashOf(token)[:8]
	err = change(path, func(all []Token) ([]Token, error) {
		if slices.ContainsFunc(all, func(o Token) bool { return strings.EqualFold(o.Name, t.Name) && o.Person != t.Person }) {
			return nil, &fault.Invalid{Reason: fmt.Sprintf("%s is already the name of a person or of a program", t.Name),
				Remedy: "choose another name: the audit log would mix the two up"}
		}
		return append(all, t), nil
	})
	return token, t, err
}

// PersonTokens returns the IDs of the tokens of a person in the file at path; "" means of all
// people.
func PersonTokens(path, person string) (ids []string, err error) {
	all, err := ReadTokens(path)
	for _, t := range all {
		if t.Person && (person == "" || Canonical(t.Name) == person) {
			ids = append(ids, t.ID)
		}
	}
	return ids, err
}

// RevokeToken removes the token with an ID from the file. It returns a *fault.Invalid when there
// is none.
func RevokeToken(path, id string) (Token, error) {
	var revoked Token
	err := change(path, func(all []Token) ([]Token, error) {
		i := slices.IndexFunc(all, func(t Token) bool { return t.ID == id })
		if i < 0 {
			return nil, &fault.Invalid{Reason: fmt.Sprintf("there is no token %s", id),
				Remedy: "pipe serve token list shows the IDs"}
		}
		revoked = all[i]
		return slices.Delete(all, i, i+1), nil
	})
	return revoked, err
}

func change(path string, edit func([]Token) ([]Token, error)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return &fault.StateError{Err: err, Remedy: "make the folder writable for this user"}
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return &fault.StateError{Err: fmt.Errorf("lock %s: %w", path, err), Remedy: "make the folder writable for this user"}
	}
	defer lock.Unlock()
	all, err := ReadTokens(path)
	if err != nil {
		return err
	}
	if all, err = edit(all); err != nil {
		return err
	}
	b, err := codec.Marshal(tokensFile{tokensVersion, all})
	if err != nil {
		return err
	}
	return atomicfile.Replace(path, atomicfile.Options{Mode: 0o600}, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// Tokens are the tokens of a file. A change of the file takes effect with the next request.
type Tokens struct {
	file watched
	now  func() time.Time

	mu     sync.Mutex
	tokens map[string]*Token // by hash
	err    error             // why the file cannot be used; then no token is accepted
}

// OpenTokens reads the tokens file at path, which may be missing. It returns a *fault.StateError
// when the file cannot be used.
func OpenTokens(path string, now func() time.Time) (*Tokens, error) {
	t := &Tokens{file: watched{path: path}, now: now}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	return t, t.err
}

// refresh reads the file again when it changed. The caller holds mu.
func (t *Tokens) refresh() {
	if !t.file.changed() {
		return
	}
	var all []Token
	all, t.err = ReadTokens(t.file.path)
	t.tokens = map[string]*Token{}
	for i := range all {
		t.tokens[all[i].Hash] = &all[i]
	}
}

// Err returns why the file cannot be used now; nil when it can.
func (t *Tokens) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	return t.err
}

// Find returns who sends a token; nil when it is not known or has expired.
func (t *Tokens) Find(token string) *Principal {
	if found := t.entry(token); found != nil {
		return t.current(found.Hash)
	}
	return nil
}

// entry returns a token that is in the file, also one that has expired; nil when it is not, or
// the file cannot be used.
func (t *Tokens) entry(token string) *Token {
	if !strings.HasPrefix(token, prefix) {
		return nil
	}
	hash := hashOf(token) // the time of a look-up by hash says nothing about the token
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	if t.err != nil {
		return nil
	}
	return t.tokens[hash]
}

// current returns who has the token with a hash now; nil when it was revoked or has expired, or
// the file cannot be used.
func (t *Tokens) current(hash string) *Principal {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	found := t.tokens[hash]
	if found == nil || t.err != nil || !found.Expires.IsZero() && !t.now().Before(found.Expires) {
		return nil
	}
	return found.principal()
}

// isProgram reports whether a name is that of a program. When the file cannot be used, it may be.
func (t *Tokens) isProgram(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	for _, one := range t.tokens {
		if !one.Person && strings.EqualFold(one.Name, name) {
			return true
		}
	}
	return t.err != nil
}

// Sender returns who sends a request with a token; nil when it has none that is known.
func (t *Tokens) Sender(r *http.Request) *Principal {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return t.Find(strings.TrimSpace(token))
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
