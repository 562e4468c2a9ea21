package e2e

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
)

// TestDatasourceIcons: icons are files of SVG or PNG by their content, or
// addresses; whatever else they are is found when the file is checked.
func TestDatasourceIcons(t *testing.T) {
	t.Parallel()
	w := bare(t)
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>`
	var small, large bytes.Buffer
	if err := png.Encode(&small, image.NewNRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(&large, image.NewNRGBA(image.Rect(0, 0, 5000, 5000))); err != nil {
		t.Fatal(err)
	}
	with := func(icon string) string {
		path := edited(t, "      datasourceCategory:", "      iconUrl: "+icon+"\n      datasourceCategory:")
		for name, data := range map[string]string{
			"a.svg": svg, "a.png": small.String(), "svg.png": svg, "large.png": large.String(), "cut.png": small.String()[:30],
			"bare.svg": "<svg/>", "cut.svg": svg[:60],
			"a.jpg": "\xff\xd8\xff\xe0", "empty.svg": "", "huge.svg": svg + strings.Repeat(" ", 300<<10),
		} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	for icon, want := range map[string]string{
		"${file:none.svg}":                     "does not exist",
		"${file:large.png}":                    "5000 × 5000 pixels",
		"${file:cut.png}":                      "cannot be decoded",
		"${file:bare.svg}":                     "no namespace",
		"${file:cut.svg}":                      "cannot be parsed",
		"${file:a.jpg}":                        "image/jpeg by its content",
		"${file:empty.svg}":                    "by its content",
		"${file:huge.svg}":                     "larger than 256KiB",
		"${file:.}":                            "not a regular file",
		"icons/a.svg":                          "neither an address nor a file",
		"x${file:a.svg}":                       "only in a secret",
		"data:image/svg+xml;utf8,x":            "not in base64",
		"data:image/png;base64,?":              "cannot be decoded",
		"ftp://icons.example/a.svg":            "neither an address nor a file",
		"data:image/svg+xml;base64,/9j/4AAQ==": "cannot be decoded",
	} {
		c := w.pipe(t, "check", with("'"+icon+"'"))
		c.expect(t, int(job.Wrong), want, "pipeline.yaml:", "iconUrl: ", "^^^")
	}
	for _, icon := range []string{"${file:a.svg}", "${file:a.png}", "${file:svg.png}", "https://icons.example/a.svg?x=1"} {
		path := with(icon)
		w.pipe(t, "datasource", "apply", "--yes", path).expect(t, 0, "iconUrl", "!base64")
		w.pipe(t, "datasource", "plan", path).expect(t, 0, "no changes")
		want := map[string]string{"${file:a.png}": "data:image/png;base64,",
			"https://icons.example/a.svg?x=1": "https://"}[icon]
		if want == "" {
			want = "data:image/svg+xml;base64,"
		}
		if got := w.config(t).IconURL; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.40s", icon, got)
		}
	}
	w.pipe(t, "config", with("${file:a.svg}")).expect(t, 0, "datasource.iconUrl", "a.svg}", "!base64")
}

// TestDatasourceTesters: the testers of a datasource are sent through betausers, each time.
func TestDatasourceTesters(t *testing.T) {
	t.Parallel()
	w := bare(t)
	path := edited(t, "      datasourceCategory:",
		"      isTestDatasource: true\n      testers: [ann@example.com, bob@example.com]\n      datasourceCategory:")
	w.pipe(t, "datasource", "apply", "--yes", path).expect(t, 0, "sent with each apply",
		"testers  ann@example.com, bob@example.com", "verified")
	if got := w.index().Testers; !slices.Equal(got, []string{"ann@example.com", "bob@example.com"}) ||
		w.config(t).IsTestDatasource == nil {
		t.Errorf("%v", got)
	}
	w.pipe(t, "datasource", "plan", path).expect(t, 0, "no changes", "sent with each apply")
	fewer := edited(t, "      datasourceCategory:",
		"      isTestDatasource: true\n      testers: [bob@example.com]\n      datasourceCategory:")
	w.pipe(t, "datasource", "apply", fewer).expect(t, int(job.Wrong), "--yes")
	w.pipe(t, "datasource", "apply", "--yes", fewer).expect(t, 0, "verified")
	if got := w.index().Testers; !slices.Equal(got, []string{"bob@example.com"}) {
		t.Errorf("%v", got)
	}
	w.glean.Fail(gleanfaults.Fault{Path: "betausers", Status: 400, Body: "emails: nobody of this name"})
	w.pipe(t, "datasource", "apply", "--yes", path).expect(t, int(job.Wrong), "name the testers", "nobody of this name",
		"testers: [ann@example.com")
	w.pipe(t, "check",
		edited(t, "      datasourceCategory:", "      testers: [ann@example.com]\n      datasourceCategory:")).expect(t,
		int(job.Wrong), "isTestDatasource: true")
	w.pipe(t, "check", edited(t, "      datasourceCategory:", "      isTestDatasource: true\n      testers:\n"+
		"        - ann@example.com\n        - bob\n      datasourceCategory:")).expect(t, int(job.Wrong),
		"a tester must be an e-mail address", "- bob")
}

// TestDatasourceRefusals: what Glean refuses is shown with its reason at the block
// datasource: which field it is about is left to the reason.
func TestDatasourceRefusals(t *testing.T) {
	t.Parallel()
	w := bare(t)
	lent := edited(t, "      datasourceCategory:", "      identityDatasourceName: people\n      datasourceCategory:")
	w.pipe(t, "datasource", "apply", "--yes", lent).expect(t, int(job.Wrong), `there is no datasource "people"`, "datasource:", "^^^", "refused")
	for _, reason := range []string{`quicklinks: "Browse the catalog": url: refused`, `something is wrong`} {
		w.glean.Heal()
		w.glean.Fail(gleanfaults.Fault{Path: "adddatasource", Status: 400, Body: reason})
		w.pipe(t, "datasource", "apply", "--yes", shipped).expect(t, int(job.Wrong), reason, "datasource:", "^",
			"backstage.yaml:")
		c := w.pipe(t, "datasource", "apply", "--yes", "--json", shipped)
		c.expect(t, int(job.Wrong), `"ok": false`, "backstage.yaml:")
		w.pipe(t, "run", "--apply-datasource", "--progress", "none", shipped).expect(t, int(job.Wrong), reason,
			"backstage.yaml:")
	}
	w.glean.Heal()
	w.glean.Fail(gleanfaults.Fault{Path: "adddatasource", Status: 401, Body: "Not Authorized"})
	w.pipe(t, "datasource", "apply", "--yes", shipped).expect(t, int(job.Failed), "401", "Not Authorized",
		"!backstage.yaml:")
	w.glean.Heal()
	w.glean.Fail(gleanfaults.Fault{Path: "adddatasource", LoseAnswer: true, Times: 1})
	w.pipe(t, "datasource", "apply", "--yes", shipped).expect(t, 0, "verified")
	w.glean.Fail(gleanfaults.Fault{Path: "getdatasourceconfig", Status: 403, Body: "no"})
	w.pipe(t, "datasource", "plan", shipped).expect(t, int(job.Failed), "403")
}
