package generate

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// TestCatalog: a seed always gives the same catalog, with unique refs, entities of the
// promised size and relations whose target does not exist.
func TestCatalog(t *testing.T) {
	all := Catalog(2000, 7)
	if again := Catalog(2000, 7); !slices.EqualFunc(all, again, bytes.Equal) {
		t.Error("the same seed gave another catalog")
	}
	relations := relationsOf(t, all)
	if len(all) != 2000 || len(relations) != 2000 {
		t.Errorf("%d entities, %d refs", len(all), len(relations))
	}
	if size := len(bytes.Join(all, nil)) / len(all); size < 2000 || size > 2900 {
		t.Errorf("%d bytes an entity", size)
	}
	dangling := 0
	for _, list := range relations {
		for _, r := range list {
			if _, target, _ := strings.Cut(r, " "); relations[target] == nil {
				dangling++
			}
		}
	}
	if dangling == 0 {
		t.Error("all relations lead somewhere")
	}
	for _, raw := range all {
		if !utf8.Valid(raw) {
			t.Errorf("not UTF-8: %.80q", raw)
		}
	}
	for _, n := range []int{-1, 0, 10, 11, 100} {
		if got := len(Catalog(n, 1)); got != max(n, 10) {
			t.Errorf("Catalog(%d) made %d", n, got)
		}
	}
}

// relationsOf returns the relations of each entity by its ref, as "TYPE TARGET".
func relationsOf(t *testing.T, entities [][]byte) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, raw := range entities {
		var e struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"metadata"`
			Relations []struct {
				Type   string `json:"type"`
				Target string `json:"targetRef"`
			} `json:"relations"`
		}
		if err := codec.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		of := ref.New(e.Kind, e.Metadata.Namespace, e.Metadata.Name)
		out[of] = []string{}
		for _, r := range e.Relations {
			out[of] = append(out[of], r.Type+" "+r.Target)
		}
	}
	return out
}
