package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// TestIdentityMode: an identity file that other users may write is refused, by the commands and
// by each reader of a pipeline file; one that every user may read is a warning.
func TestIdentityMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file of Windows has no such permissions")
	}
	const text = "secrets:\n  store: {file: s.age, identity: '${file:s.key}'}\n"
	file := filepath.Join(t.TempDir(), "p.yaml")
	noError(t, os.WriteFile(file, []byte(text), 0o600))
	key := filepath.Join(filepath.Dir(file), "s.key")
	place, err := Locate(file, &config.Variables{})
	noError(t, err)
	_, err = place.Init(nil)
	noError(t, err)
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o440: "", 0o640: "",
		0o644: "every user of this machine may read", 0o444: "every user of this machine may read",
		0o660: "other users may write", 0o602: "other users may write", 0o620: "other users may write",
	} {
		noError(t, os.Chmod(key, mode))
		refused := strings.HasPrefix(want, "other users")
		switch _, err := place.Open(); {
		case refused:
			fails(t, err, want)
			isTrue(t, errors.As(err, new(*fault.Invalid)))
		default:
			noError(t, err)
		}
		problems := decodeStore(t, text, file, &config.Variables{})
		isTrue(t, problems.HasErrors() == refused)
		at := slices.IndexFunc(problems, func(p config.Problem) bool {
			return want != "" && strings.Contains(p.Message, want) && strings.Contains(p.Hint, "chmod 600 "+key) &&
				p.Pos.Line == 2
		})
		isTrue(t, (at >= 0) == (want != ""))
		isTrue(t, want != "" || len(problems) == 0)
		equal(t, len(decodeStore(t, text, file, &config.Variables{SkipSecrets: true})), 0)
	}
}

func decodeStore(t *testing.T, text, file string, vars *config.Variables) config.Problems {
	t.Helper()
	doc, problems := config.Parse(file, []byte(text))
	isTrue(t, len(problems) == 0)
	var c Config
	return config.Decode(doc.Root().Get("secrets").Get("store"), &c, vars)
}
