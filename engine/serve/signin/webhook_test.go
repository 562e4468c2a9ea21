package signin_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// TestWebhookSecrets: a secret that is too short, missing or not alone is refused.
func TestWebhookSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := signin.OpenWebhooks(path); !errors.As(err, new(*fault.StateError)) {
		t.Errorf("a missing file: %v", err)
	}
	for _, text := range []string{"", "\n", "short", "0123456789abcdef0123\n0123456789abcdef0123\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := signin.OpenWebhooks(path); !errors.As(err, new(*fault.StateError)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := os.WriteFile(path, []byte("0123456789abcdef0123\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signin.OpenWebhooks(path); err != nil {
		t.Error(err)
	}
}
