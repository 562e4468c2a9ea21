package backstage

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
)

func kindEntry(name string, on bool) config.MapEntry[bool] {
	return config.MapEntry[bool]{Key: name, Value: on}
}

// parse reads a source.backstage block.
func parse(t *testing.T, block string) (*Config, config.Problems) {
	t.Helper()
	doc, problems := config.Parse("pipe.yaml", []byte(block))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	cfg := &Config{}
	return cfg, config.Decode(doc.Root(), cfg, nil)
}

func TestSpec(t *testing.T) {
	if err := config.CheckSpec(Spec().Config()); err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	cfg, problems := parse(t, "url: https://b.example.com/\ntls:\n  verify: false\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if cfg.PageSize != 500 || cfg.Concurrency != 2 || cfg.TLS.Verify || cfg.Timeout.D() == 0 ||
		cfg.uiURL() != "https://b.example.com" {
		t.Errorf("%+v", cfg)
	}
	for block, want := range map[string]string{
		"ui_url: https://x.example.com":                                         "url",
		"url: b.example.com":                                                    "not an address",
		"url: https://b.example.com?x=1":                                        "not an address",
		"url: https://b.example.com\nui_url: ftp://x":                           "not an address",
		"url: https://b.example.com\npage: x/{nmae}/{name}":                     "unknown placeholder",
		"url: https://b.example.com\npage: \"{ui_url}\"":                        "the same page",
		"url: https://b.example.com\nkinds:\n  A b: true":                       "not a kind",
		"url: https://b.example.com\nkinds:\n  api: true\n  API: true":          "API is listed twice",
		"url: https://b.example.com\nkinds:\n  API: false":                      "every kind is switched off",
		"url: https://b.example.com\npage_size: 0":                              "too small",
		"url: https://b.example.com\nfilters:\n  - =x":                          "its key is empty",
		"url: https://b.example.com\nfilters:\n  - metadata.namespace==default": "supports one = and no !=",
		"url: https://b.example.com\nfilters:\n  - kind!=api":                   "supports one = and no !=",
		"url: https://b.example.com\nfilters:\n  - k: \"a,b\"":                  "contains a comma",
		"url: https://b.example.com\nfilters:\n  - a=b: c":                      "its key is empty or contains",
		"url: https://b.example.com\nheaders:\n  Host: x":                       "Host cannot be set here",
		"url: https://b.example.com\nnonsense: 1":                               "unknown key",
	} {
		_, problems := parse(t, block)
		if !problems.HasErrors() || !strings.Contains(problems.Errors().Error(), want) {
			t.Errorf("%s\n%v", block, problems)
		}
	}
}

func TestFilters(t *testing.T) {
	cfg, problems := parse(t, `
url: https://b.example.com
filters:
  - spec.lifecycle: [production, experimental]
    metadata.tags: public
  - kind=resource,spec.type=database , metadata.labels.x
  - {kind: Template}
  - kind: [Group, Resource]
    metadata.annotations.a/b:
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for kind, want := range map[string]string{
		"Component": "kind=component,spec.lifecycle=production,spec.lifecycle=experimental,metadata.tags=public",
		"Template":  "kind=template",
		"User":      "kind=user",
		"Group":     "kind=group,metadata.annotations.a/b",
		"Resource": "kind=resource,spec.lifecycle=production,spec.lifecycle=experimental,metadata.tags=public | " +
			"kind=resource,spec.type=database,metadata.labels.x | kind=resource,metadata.annotations.a/b",
	} {
		if got := strings.Join(parameters(kind, cfg.Filters), " | "); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if got := parameters("AiResource", nil); !slices.Equal(got, []string{"kind=airesource"}) {
		t.Errorf("%v", got)
	}
}
