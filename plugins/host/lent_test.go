package host_test

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

// TestConnectionSecrets (invariant 6): a plugin gets no secret of a connection, by its config
// or by its environment.
func TestConnectionSecrets(t *testing.T) {
	const own = "a plugin does not get the secret of a connection"
	for name, one := range map[string]struct{ token, block, want string }{
		"a variable":           {"${STORE_TOKEN}", "config: {a: '${STORE_TOKEN}'}", "22:20: secret: " + own},
		"a variable in a list": {"${STORE_TOKEN}", "config: {a: [x, 'x ${STORE_TOKEN}']}", ": secret: " + own},
		"a default":            {"${STORE_TOKEN}", "config: {a: '${NONE:-${STORE_TOKEN}}'}", ": secret: " + own},
		"the connection's default": {"${NONE:-${STORE_TOKEN}}", "config: {a: '${STORE_TOKEN}'}",
			": secret: " + own},
		"a file":                {"${file:/run/token}", "config: {a: '${file:/run/token}'}", ": secret: " + own},
		"a stored secret":       {"${secret:exec:x}", "config: {a: '${secret:exec:x}'}", ": secret: " + own},
		"a short spelling":      {"${secret:exec:x}", "config: {a: '${secret:x}'}", ": secret: " + own},
		"a long spelling":       {"${secret:x}", "config: {a: '${secret:exec:x}'}", ": secret: " + own},
		"a file, otherwise":     {"${file:a/token}", "config: {a: '${file:./a/b/../token}'}", ": secret: " + own},
		"another file":          {"${file:a/token}", "config: {a: '${file:token}'}", ""},
		"the environment":       {"${STORE_TOKEN}", "env: [PATH2, STORE_TOKEN]", "22:20: secret: " + own},
		"another variable":      {"${STORE_TOKEN}", "config: {a: '${OTHER}', b: '${file:/run/other}'}", ""},
		"another name":          {"${secret:exec:x}", "config: {a: '${secret:exec:y}'}", ""},
		"another of the others": {"${STORE_TOKEN}", "env: [OTHER]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text, _, _ := strings.Cut(file, "      env:")
			text = strings.Replace(text, "${STORE_TOKEN}", one.token, 1) + "      " + one.block +
				"\nsecrets:\n  exec: {command: [pass, show]}\n"
			d := pipeline.Parse("pipeline.yaml", []byte(text), pipeline.Options{
				Registry: registry(new(pipelinetest.Kit)), Unpinned: true,
				Variables: config.Variables{SkipSecrets: true, Lookup: func(name string) (string, bool) {
					return "value", name != "NONE"
				}},
			})
			got := d.Problems.Errors().Error()
			if one.want == "" && got != "" || !strings.Contains(got, one.want) || strings.Count(got, "\n") > 0 {
				t.Errorf("got: %s\nwant: %s", got, one.want)
			}
		})
	}
}
