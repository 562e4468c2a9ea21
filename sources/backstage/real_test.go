//go:build backstage

package backstage

import (
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Against the Backstage at BACKSTAGE_URL: everything that BACKSTAGE_MANIFEST
// lists ({"refs": […]}) is read, whatever the page size.
func TestRealBackstage(t *testing.T) {
	manifest, err := os.ReadFile(os.Getenv("BACKSTAGE_MANIFEST"))
	if err != nil {
		t.Fatalf("BACKSTAGE_MANIFEST: %v", err)
	}
	var want struct {
		Refs []string `json:"refs"`
	}
	if err := codec.Unmarshal(manifest, &want); err != nil || len(want.Refs) == 0 {
		t.Fatalf("BACKSTAGE_MANIFEST lists %d refs, %v", len(want.Refs), err)
	}
	for _, size := range []int{500, 37} {
		source, cfg := open(t, os.Getenv("BACKSTAGE_TOKEN"), size)
		got := &crop{records: map[string]*component.Record{}}
		for _, p := range cfg.phases() {
			if err := source.Read(t.Context(), p, got.emit); err != nil {
				t.Fatal(err)
			}
		}
		for _, ref := range want.Refs {
			if got.records[ref] == nil {
				t.Errorf("%s was not read", ref)
			}
			delete(got.records, ref)
		}
		again := &crop{records: map[string]*component.Record{}}
		for _, p := range cfg.phases() {
			if err := source.Confirm(t.Context(), p, append(want.Refs, "component:default/never-was"), want.Refs,
				again.emit); err != nil {
				t.Fatal(err)
			}
		}
		if len(again.records) != len(want.Refs) {
			t.Errorf("%d of %d refs were confirmed", len(again.records), len(want.Refs))
		}
		for ref := range got.records {
			if !strings.HasPrefix(ref, "location:") {
				t.Errorf("%s is in no manifest", ref)
			}
		}
		if len(got.twice) > 0 {
			t.Errorf("handed over twice: %v", got.twice)
		}
		t.Log(source.Check(t.Context()))
	}
	if other := os.Getenv("BACKSTAGE_TOKEN_OTHER"); other != "" {
		source, cfg := open(t, other, 500)
		err := source.Read(t.Context(), cfg.phases()[0], (&crop{}).emit)
		if err == nil || !strings.Contains(fault.RemedyOf(err), "accessRestrictions") {
			t.Errorf("with a token for something else: %v (%s)", err, fault.RemedyOf(err))
		}
	}
}

func open(t *testing.T, token string, size int) (*Source, *Config) {
	t.Helper()
	cfg := &Config{URL: os.Getenv("BACKSTAGE_URL"), Token: config.NewSecret(token), PageSize: size, Concurrency: 2,
		Config: connection.Default()}
	source, err := Open(cfg, component.Settings{UserAgent: "pipe/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	return source, cfg
}
