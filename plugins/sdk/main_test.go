package sdk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The test binary is also the plugin, and a parent that starts it; as selects the role.
const as = "SDK_TEST_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(as) {
	case "plugin":
		Serve(sample())
	case "parent":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), as+"=plugin")
		child.Stdout = os.Stdout
		if err := child.Run(); err != nil {
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

type sampleConfig struct {
	Suffix string   `json:"suffix" doc:"what is put after the title"`
	Times  int      `json:"times" schema:"minimum=1,maximum=3"`
	Token  string   `json:"token" schema:"writeOnly"`
	Mode   string   `json:"mode" schema:"enum=loud|quiet"`
	Skip   []string `json:"skip"`
}

// sample does what the record's title says.
func sample() Plugin {
	cfg := sampleConfig{Suffix: "!", Times: 1}
	return Plugin{
		Name: "sample", Version: "1.2.3", Summary: "puts a suffix after each title",
		Config: &cfg,
		Needs:  []string{"metadata", "spec.size"},
		Writes: []string{"metadata.title", "spec.note"},
		Example: Example{
			Config: `{"suffix": "?"}`,
			Record: map[string]any{"kind": "API", "ref": "api:default/a", "metadata": map[string]any{"title": "A"}},
		},
		Start: func(context.Context) error {
			if cfg.Suffix == "refuse" {
				return errors.New("no such suffix")
			}
			return nil
		},
		Transform: func(ctx context.Context, r *Record) error {
			switch title := r.Text("metadata.title"); title {
			case "":
				return nil
			case "panic":
				panic("the sample was told to")
			case "drop":
				return Drop("told to")
			case "fail":
				return errors.New("told to")
			case "elsewhere":
				r.Set("metadata.name", "x")
			case "delete":
				r.Delete("metadata.title")
				r.Set("spec.note", map[string]any{"a": 1})
			case "print":
				fmt.Println("printed on stdout")
				child := exec.Command("echo", "printed by a child")
				child.Stdout = os.NewFile(1, "stdout")
				_ = child.Run()
				Logger(ctx).Warn("logged", "count", 1)
			case "hang":
				time.Sleep(time.Minute)
			case "big":
				r.Set("metadata.title", strings.Repeat("x", 20<<20))
			default:
				r.Set("metadata.title", title+strings.Repeat(cfg.Suffix, cfg.Times))
			}
			return nil
		},
	}
}
