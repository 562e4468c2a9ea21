package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/cmd/internal/connector"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
)

// own are the variables that pipe itself reads, from the environment or .env.
var own = []string{"HOME", "LOG_LEVEL", "NO_COLOR", pluginhost.ReattachVariable, "XDG_STATE_HOME"}

// outside are the variables that count only in the environment: they are read before .env
// is, or by libraries.
var outside = []string{"ALL_PROXY", "CI", "GOGC", "GOMEMLIMIT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR",
	"SSL_CERT_FILE", "TMPDIR"}

// mostUnread is how many names without a near one are listed.
const mostUnread = 10

// reportUnread warns once in a call about names in .env that nothing reads, with the nearest
// known name.
func (a *app) reportUnread(w io.Writer, files ...*pipeline.Definition) {
	if a.envFile == nil || a.unreadReported {
		return
	}
	a.unreadReported = true
	known := slices.Concat(own, connector.Names())
	complete := true
	for _, d := range files {
		known = append(known, d.Named...)
		for _, v := range d.Variables {
			known = append(known, v.Name)
		}
		complete = complete && len(d.Named) > 0
	}
	path, rest := a.envFile.Path, []string(nil)
	for _, name := range a.envFile.Names() {
		switch near := nearName(name, known); {
		case slices.Contains(known, name):
		case slices.Contains(outside, strings.ToUpper(name)):
			display.Fprintf(w, "! %s:%d: %s has an effect only in the environment, not in a file\n",
				path, a.envFile.Line(name), name)
		case near != "":
			display.Fprintf(w, "! %s:%d: nothing reads %s; did you mean %s?\n", path, a.envFile.Line(name), name, near)
		default:
			rest = append(rest, fmt.Sprintf("%s (line %d)", name, a.envFile.Line(name)))
		}
	}
	if more := len(rest) - mostUnread; more > 0 {
		rest = append(rest[:mostUnread], fmt.Sprintf("%d more", more))
	}
	if len(rest) > 0 && complete {
		display.Fprintf(w, "! %s: nothing reads %s\n", path, strings.Join(rest, ", "))
	}
}

// nearName is the known name that a misspelt one is closest to, "" when none is
// near.
func nearName(name string, known []string) string {
	near := config.Nearest(name, known)
	if near == "" || near == name {
		return ""
	}
	return near
}
