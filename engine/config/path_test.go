package config

import (
	"path/filepath"
	"strings"
	"testing"
)

type files struct {
	CA    string `yaml:"ca_file" path:"true" doc:"A file."`
	Token string `yaml:"token_file" path:"true" default:"/run/token" doc:"A file."`
	Other string `yaml:"other" doc:"No file."`
}

// TestPaths: a relative path starts from the folder of the pipeline file, also in a variable and in a
// value of --set.
func TestPaths(t *testing.T) {
	folder := t.TempDir()
	absolute := filepath.Join(t.TempDir(), "ca.pem")
	for name, tc := range map[string]struct {
		text, set, want, token string
	}{
		"relative":   {"ca_file: tls/ca.pem\nother: x", "", filepath.Join(folder, "tls", "ca.pem"), "/run/token"},
		"parent":     {"ca_file: ../ca.pem", "", filepath.Join(filepath.Dir(folder), "ca.pem"), "/run/token"},
		"absolute":   {"ca_file: " + absolute, "", absolute, "/run/token"},
		"variable":   {"ca_file: ${CA}", "", filepath.Join(folder, "of-variable.pem"), "/run/token"},
		"unset":      {"ca_file: ${UNSET:-}", "", "", "/run/token"},
		"no value":   {"ca_file:\ntoken_file: t", "", "", filepath.Join(folder, "t")},
		"of --set":   {"ca_file: a", "b.pem", filepath.Join(folder, "b.pem"), "/run/token"},
		"left out":   {"other: x", "", "", "/run/token"},
		"unresolved": {"token_file: ${UNSET}", "", "", "/run/token"},
	} {
		doc, problems := Parse(filepath.Join(folder, "p.yaml"), []byte(tc.text+"\n"))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		if tc.set != "" {
			if err := doc.Set("ca_file", tc.set); err != nil {
				t.Fatal(err)
			}
		}
		var got files
		problems = Decode(doc.Root(), &got, &Variables{Lenient: true, Lookup: func(name string) (string, bool) {
			value, set := map[string]string{"CA": "of-variable.pem"}[name]
			return value, set
		}})
		if problems.HasErrors() || got.CA != tc.want || got.Token != tc.token || strings.Contains(got.Other, folder) {
			t.Errorf("%s: %+v, %v", name, got, problems)
		}
	}
	if doc := Describe(&files{})[0].Doc; doc != "A file. A relative path starts from the folder of this file." {
		t.Error(doc)
	}
}

// TestPathTag: a component cannot have a key of a file whose paths start elsewhere.
func TestPathTag(t *testing.T) {
	var into struct {
		CA string `yaml:"ca_file" doc:"A file."`
	}
	if err := CheckSpec(&into); err == nil || !strings.Contains(err.Error(), `needs the tag path:"true"`) {
		t.Error(err)
	}
	var number struct {
		N int `yaml:"n" path:"true" doc:"No file."`
	}
	if err := CheckSpec(&number); err == nil || !strings.Contains(err.Error(), "only texts are paths") {
		t.Error(err)
	}
}
