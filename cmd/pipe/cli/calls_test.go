package cli

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/redact"
)

// TestNamedCalls: a printed call has the file of the call that prints it, and those of its
// flags that decide what the printed call acts on and that it accepts.
func TestNamedCalls(t *testing.T) {
	t.Parallel()
	const env = "testdata/inputs/dollar.env"
	for args, cases := range map[string]map[string]string{
		"doctor --env-file " + env + " --set source.backstage.page_size=7 --state st --json --log-level debug FILE": {
			"make it with `pipe datasource apply FILE`": "make it with `pipe datasource apply --env-file " + env +
				" --state st --set source.backstage.page_size=7 FILE`",
			"run pipe run FILE: it sends everything": "run pipe run --env-file " + env +
				" --state st --set source.backstage.page_size=7 FILE: it sends everything",
			"pipe hide FILE REF": "pipe hide --env-file " + env +
				" --state st --set source.backstage.page_size=7 FILE REF",
			"pipe status FILE --wait": "pipe status --env-file " + env +
				" --state st --set source.backstage.page_size=7 FILE --wait",
			"pipe run --approve ID FILE": "pipe run --approve ID --env-file " + env +
				" --state st --set source.backstage.page_size=7 FILE",
		},
		"run --sandbox --catalog cat.json --allow-unpinned --dry-run --progress none FILE": {
			"pipe diff FILE":                      "pipe diff --sandbox --catalog cat.json --allow-unpinned FILE",
			"pipe datasource apply FILE":          "pipe datasource apply FILE",
			"pipe approve FILE abcdefghijkl":      "pipe approve FILE abcdefghijkl",
			"`pipe process FILE` and pipe status": "`pipe process FILE` and pipe status",
			"as `pipe plugin checksum FILE` is":   "as `pipe plugin checksum PLUGIN` is",
			"pipe status FILE, or pipe adopt FILE": "pipe status --allow-unpinned FILE, or pipe adopt " +
				"--allow-unpinned FILE",
		},
		"status --state it's --set @sink.token=a --set @source.page_size=$1 FILE": {
			"pipe run FILE": `pipe run --state 'it'\''s' --set @sink.token=a --set '@source.page_size=$1' FILE`,
		},
		"run FILE": {"pipe run FILE": "pipe run FILE"},
	} {
		a := called(t, args)
		for text, want := range cases {
			want = strings.ReplaceAll(strings.ReplaceAll(want, "FILE", shipped), "PLUGIN", "FILE")
			if got := a.named(text); got != want {
				t.Errorf("%s\n%s\n got %s\nwant %s", args, text, got, want)
			}
		}
	}
}

// TestPrintedCall: a call in a text is found with its file and what follows it.
func TestPrintedCall(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"set X in .env, then pipe doctor a/b.yaml": "pipe doctor a/b.yaml",
		"If so, run pipe run --approve abcdefghijkl --env-file 'my env' --state st b.yaml: it": "pipe run --approve " +
			"abcdefghijkl --env-file 'my env' --state st b.yaml",
		"use `pipe datasource apply --replace b.yml` or": "pipe datasource apply --replace b.yml",
		"pipe approve b.yaml abcdefghijkl, or not":       "pipe approve b.yaml abcdefghijkl",
		"pipe status b.yaml --wait shows":                "pipe status b.yaml --wait",
		"pipe hide b.yaml component:default/a now":       "pipe hide b.yaml component:default/a",
		"pipe run needs a file, such as b.yaml":          "",
	} {
		if got := printedCall.FindString(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestRerunCall: the call that allows a refused run has the flags that decide what is
// published, and no others.
func TestRerunCall(t *testing.T) {
	t.Parallel()
	const want = "pipe run --approve abcdefghijkl --only documents --apply-datasource --timeout 1h0m0s --wait=2m0s " +
		"--state st " + shipped
	a := called(t, "run --only documents --apply-datasource --timeout 1h --wait=2m --dry-run --output out --approve "+
		"aaaaaaaaaaaa --report r.json --json --state st FILE")
	if got := a.rerun("abcdefghijkl"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// called is an app after the flags of a call were read; its command did nothing.
func called(t *testing.T, args string) *app {
	t.Helper()
	a := &app{Host: Host{Stdout: io.Discard, Stderr: io.Discard, Env: func(string) (string, bool) { return "", false }},
		redactor: &redact.Redactor{}, log: slog.New(slog.DiscardHandler)}
	c := a.cli()
	words := strings.Fields(strings.Replace(args, "FILE", shipped, 1))
	c.Command(words[0]).Action = func(*urfave.Context) error { return nil }
	if err := c.RunContext(t.Context(), parse(c, append([]string{"pipe"}, words...),
		(&app{}).globalFlags()).args()); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	return a
}
