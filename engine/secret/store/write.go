package store

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)

// Create writes an empty store, and is an error if the file exists. recipients (age1…) can
// open it, too.
func (s *Store) Create(recipients []string) error {
	return s.locked(func() error {
		if _, err := os.Lstat(s.path); err == nil {
			return fault.Errorf(fault.Fatal, "add secrets with pipe secret set", "the secret store %s exists already", s.path)
		}
		return s.write(&content{Version: version, Recipients: recipients, Secrets: map[string]value{}}, s.identities)
	})
}

// Set stores a value under a name, in the place of the one that is there. The value may
// be sent to the origins alone. Without origins it keeps those that the name has, and a new
// name has none: its value may be sent anywhere, as with anywhere. One line break at the
// end of the value is removed, as a shell or an editor adds it. Set returns what is stored.
func (s *Store) Set(name, text string, origins []string, anywhere bool) (Entry, error) {
	if !namePattern.MatchString(name) || len(name) > maxName {
		return Entry{}, fault.Errorf(fault.Fatal, "use at most 128 letters, digits, and . _ - /, such as backstage-token",
			"this is not a name for a secret: %q", name)
	}
	text, err := checkValue(name, text)
	if err != nil {
		return Entry{}, err
	}
	var allowed []string
	for _, o := range origins {
		origin, err := checkOrigin(o)
		if err != nil {
			return Entry{}, err
		}
		allowed = append(allowed, origin)
	}
	slices.Sort(allowed)
	next := newValue(text, slices.Compact(allowed))
	err = s.change(func(c *content) error {
		if len(origins) == 0 && !anywhere {
			next.For = c.Secrets[name].For
		}
		c.Secrets[name] = next
		return nil
	})
	return next.entry(name), err
}

// Replace gives the secret of a name the value that obtain returns; it may be sent where the
// old one may. Meanwhile no other process changes the store. Before it calls
// obtain it writes the store as it is: a store that cannot be written fails first.
func (s *Store) Replace(name string, obtain func() (string, error)) error {
	return s.change(func(c *content) error {
		old, ok := c.Secrets[name]
		if !ok {
			return fault.Errorf(fault.Fatal, "pipe secret list FILE shows the names", "the secret store %s has no secret %q",
				s.path, name)
		}
		if err := s.write(c, s.identities); err != nil {
			return err
		}
		text, err := obtain()
		if err == nil {
			text, err = checkValue(name, text)
		}
		if err != nil {
			return err
		}
		c.Secrets[name] = newValue(text, old.For)
		return nil
	})
}

// Exchange calls use with the secret of a name and stores the text that use returns, which
// may be sent where the old one may; "" leaves the store as it is. Meanwhile no other process
// changes the store. ctx bounds the wait for one that does.
func (s *Store) Exchange(ctx context.Context, name string, use func(config.SecretText) (string, error)) error {
	return s.lockedWithin(ctx, func() error {
		c, err := s.read()
		if err != nil {
			return err
		}
		old, ok := c.Secrets[name]
		if !ok {
			return fault.Errorf(fault.Fatal, "pipe secret list FILE shows the names", "the secret store %s has no secret %q",
				s.path, name)
		}
		text, err := use(config.SecretText{Text: old.Value, Origins: old.For})
		if err != nil || text == "" || text == old.Value {
			return err
		}
		if text, err = checkValue(name, text); err != nil {
			return err
		}
		c.Secrets[name] = newValue(text, old.For)
		return s.write(c, s.identities)
	})
}

// Rewrite writes the store as it is. Its error says why a secret could not be stored.
func (s *Store) Rewrite() error { return s.change(func(*content) error { return nil }) }

func newValue(text string, origins []string) value {
	return value{text, origins, time.Now().UTC().Truncate(time.Second)}
}

// checkValue returns a value without the line break at its end.
func checkValue(name, text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case strings.TrimSpace(text) == "":
		return "", fault.Errorf(fault.Fatal, "write the value at the prompt, or to standard input",
			"the value of %s is empty", name)
	case strings.TrimSpace(text) != text:
		return "", fault.Errorf(fault.Fatal, "write only the value, such as with printf %s",
			"the value of %s begins or ends with white space", name)
	case len(text) > maxValue:
		return "", fault.Errorf(fault.Fatal, "store a shorter value", "the value of %s has more than 64 KiB", name)
	}
	return text, nil
}

// checkOrigin returns the origin of --for.
func checkOrigin(address string) (string, error) {
	origin, err := config.Origin(address)
	if err != nil {
		return "", fault.Errorf(fault.Fatal, "write it as --for https://portal.example.com", "--for: %w", err)
	}
	if rest := strings.Trim(address, "/"); strings.Count(rest, "/") > 2 || strings.ContainsAny(rest, "?#@") {
		return "", fault.Errorf(fault.Fatal, "write --for "+origin, "--for takes a scheme, a host and a port only")
	}
	return origin, nil
}

// Remove removes the secret of a name.
func (s *Store) Remove(name string) error {
	return s.change(func(c *content) error {
		if _, ok := c.Secrets[name]; !ok {
			return fault.Errorf(fault.Fatal, "pipe secret list FILE shows the names", "the secret store %s has no secret %q",
				s.path, name)
		}
		delete(c.Secrets, name)
		return nil
	})
}

// Rekey encrypts the store for another identity and other recipients. Afterwards only those
// open it.
func (s *Store) Rekey(identity string, recipients []string) error {
	next, err := New(s.path, identity)
	if err != nil {
		return err
	}
	return s.locked(func() error {
		c, err := s.read()
		if err != nil {
			return err
		}
		c.Recipients = recipients
		return s.write(c, next.identities)
	})
}

func (s *Store) change(change func(*content) error) error {
	return s.locked(func() error {
		c, err := s.read()
		if err != nil {
			return err
		}
		if c.Secrets == nil {
			c.Secrets = map[string]value{}
		}
		if err := change(c); err != nil {
			return err
		}
		return s.write(c, s.identities)
	})
}

// target is the file of the store, also where the path is a symbolic link.
func (s *Store) target() string {
	if path, err := filepath.EvalSymlinks(s.path); err == nil {
		return path
	}
	return s.path
}

// locked waits until no other process changes the store.
func (s *Store) locked(do func() error) error {
	lock := s.lock()
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("lock the secret store: %w", err)
	}
	defer lock.Unlock()
	return do()
}

// lockedWithin is locked with a wait that ends with ctx.
func (s *Store) lockedWithin(ctx context.Context, do func() error) error {
	lock := s.lock()
	if _, err := lock.TryLockContext(ctx, lockPause); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("lock the secret store: %w", err)
	}
	defer lock.Unlock()
	return do()
}

// lockPause is the time between two attempts to lock the store.
const lockPause = 20 * time.Millisecond

func (s *Store) lock() *flock.Flock {
	dir, name := filepath.Split(s.target())
	return flock.New(filepath.Join(dir, "."+name+".lock"), flock.SetPermissions(0o600))
}

// write encrypts the content for some identities and the recipients of the content, and
// replaces the file. The identities become recipients: they can open the store also
// after another recipient has changed it.
func (s *Store) write(c *content, ids []age.Identity) error {
	own, err := recipientsOf(ids)
	if err != nil {
		return err
	}
	for _, one := range own {
		if !slices.Contains(c.Recipients, one) {
			c.Recipients = append(c.Recipients, one)
		}
	}
	to, err := parseRecipients(c.Recipients)
	if err != nil {
		return err
	}
	text, err := codec.MarshalIndent(c)
	if err != nil {
		return err
	}
	return atomicfile.Replace(s.target(), atomicfile.Options{}, func(w io.Writer) error {
		a := armor.NewWriter(w)
		e, err := age.Encrypt(a, to...)
		if err != nil {
			return err
		}
		if _, err := e.Write(append(text, '\n')); err != nil {
			return err
		}
		if err := e.Close(); err != nil {
			return err
		}
		return a.Close()
	})
}

// recipientsOf are the public keys of identities.
func recipientsOf(ids []age.Identity) (out []string, err error) {
	for _, id := range ids {
		switch id := id.(type) {
		case *age.X25519Identity:
			out = append(out, id.Recipient().String())
		case *age.HybridIdentity:
			out = append(out, id.Recipient().String())
		default:
			return nil, fault.Errorf(fault.Fatal, "use an identity of age-keygen",
				"the store cannot be written with an identity of this type")
		}
	}
	return out, nil
}

func parseRecipients(keys []string) (out []age.Recipient, err error) {
	for _, key := range keys {
		one, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil {
			return nil, fault.Errorf(fault.Fatal, "write the public key of age-keygen, which begins with age1",
				"this is not a recipient of age: %q", key)
		}
		out = append(out, one...)
	}
	return out, nil
}
