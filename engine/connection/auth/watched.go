package auth

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/redact"
)

// watched is a secret whose file, if it has one, is read again when it changes.
type watched struct {
	field    string
	redactor *redact.Redactor
	check    func(config.Secret) error // nil accepts every text

	mu       sync.Mutex
	secret   config.Secret
	seen     stamp
	revision int
}

// stamp is what changes with a file.
type stamp struct {
	modified time.Time
	size     int64
}

// newWatched checks a secret. Its error names the field.
func newWatched(field string, secret config.Secret, check func(config.Secret) error, s Settings) (*watched, error) {
	w := &watched{field: field, redactor: s.Redactor, check: check, secret: secret}
	w.seen, _ = w.stat()
	w.redactor.Add(secret.Reveal())
	if err := w.accept(secret); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *watched) accept(secret config.Secret) error {
	if w.check == nil {
		return nil
	}
	if err := w.check(secret); err != nil {
		return fmt.Errorf("%s: %w", w.field, err)
	}
	return nil
}

// stat looks at the file of the secret, ok false when there is none.
func (w *watched) stat() (stamp, bool) {
	path := w.secret.File()
	if path == "" {
		return stamp{}, false
	}
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, false
	}
	return stamp{info.ModTime(), info.Size()}, true
}

// value is the current text and its revision. A file that changed is read again; the text
// stays as it was when the new one cannot be used.
func (w *watched) value(ctx context.Context) (string, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now, ok := w.stat(); ok && now != w.seen {
		w.seen = now
		_ = w.reload(ctx) // the server says whether the old text is still good
	}
	return w.secret.Reveal(), w.revision
}

// reload reads the file again. The caller holds the lock.
func (w *watched) reload(ctx context.Context) error {
	fresh, err := w.secret.Reload(ctx)
	if err != nil {
		return fmt.Errorf("read %s again: %w", w.field, err)
	}
	w.redactor.Add(fresh.Reveal())
	if err := w.accept(fresh); err != nil {
		return err
	}
	if fresh.Reveal() != w.secret.Reveal() {
		w.revision++
	}
	w.secret = fresh
	return nil
}

// Renew reads the file again. It reports whether the text is another than that of a
// revision.
func (w *watched) renew(ctx context.Context, revision int) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.reload(ctx)
	return err == nil && w.revision != revision, err
}
