package glean_test

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
)

func TestPlace(t *testing.T) {
	for address, want := range map[string]string{
		"https://Acme-BE.glean.com":         "https://acme-be.glean.com backstage",
		"https://acme-be.glean.com:443/":    "https://acme-be.glean.com backstage",
		"HTTP://acme.example:80":            "http://acme.example backstage",
		"https://acme.example:8443/Prefix/": "https://acme.example:8443/Prefix backstage",
		"http://[::1]:8080":                 "http://[::1]:8080 backstage",
		"https://[::1]":                     "https://[::1] backstage",
		"":                                  "",
	} {
		cfg := gleantest.Settings()
		cfg.ServerURL, cfg.Datasource.Name, cfg.InsecureHTTP = address, "Backstage", true
		k, err := glean.Open(cfg, component.Settings{}, glean.Options{})
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if got := k.Place(); got != want || strings.Contains(got, "secret") {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
		_ = k.Close()
	}
}
