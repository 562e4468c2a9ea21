package backstage

import (
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
)

// TestPreset: a preset gives defaults, and the file's own values win.
func TestPreset(t *testing.T) {
	for text, want := range map[string]Config{
		"preset: roadie\n": {URL: "https://api.roadie.so", PageSize: 500, Concurrency: 1},
		"preset: roadie\nurl: https://x.example.com\npage_size: 7\nconcurrency: 3\n": {URL: "https://x.example.com",
			PageSize:    7,
			Concurrency: 3},
		"url: https://x.example.com\n": {URL: "https://x.example.com", PageSize: 500, Concurrency: 2},
	} {
		doc, problems := config.Parse("p.yaml", []byte(text))
		var c Config
		if problems = append(problems, config.Decode(doc.Root(), &c, nil)...); problems.HasErrors() {
			t.Error(problems)
		}
		if c.URL != want.URL || c.PageSize != want.PageSize || c.Concurrency != want.Concurrency {
			t.Errorf("%q: %s %d %d", text, c.URL, c.PageSize, c.Concurrency)
		}
		if preset := c.Preset != ""; preset != (c.Retries.Within == config.Duration(30*time.Minute)) {
			t.Errorf("%q: retries %+v", text, c.Retries)
		}
	}
	for text, code := range map[string]string{"preset: road\n": "not-allowed", "page_size: 3\n": "required"} {
		doc, _ := config.Parse("p.yaml", []byte(text))
		if problems := config.Decode(doc.Root(), &Config{}, nil); len(problems) != 1 || problems[0].Code != code {
			t.Errorf("%q: %v", text, problems)
		}
	}
}
