// Package version returns the build of the running program.
package version

import (
	"cmp"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// A release sets these with -ldflags -X; any other build leaves them empty.
var (
	number string // such as v1.2.3
	commit string // the full hash
	date   string // of the commit, in RFC 3339
)

// Info describes a build. Commit and Date are empty when the build does not record them.
type Info struct {
	Version  string `json:"version"` // such as v1.2.3, or devel-0123456789ab
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Released reports whether the Go module proxy can serve the module at Version.
	Released bool `json:"released"`
}

// Current returns the build of the running program: as set by the release, or else as
// recorded by the Go tool.
func Current() Info {
	build, _ := debug.ReadBuildInfo()
	return describe(number, commit, date, build)
}

// describe returns the build from the values of a release ("" for none) and the record of
// the Go tool (nil for none).
func describe(number, commit, date string, build *debug.BuildInfo) Info {
	i := Info{Version: "devel", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if build == nil {
		build = &debug.BuildInfo{}
	}
	recorded := map[string]string{}
	for _, s := range build.Settings {
		recorded[s.Key] = s.Value
	}
	i.Commit, i.Date = cmp.Or(commit, recorded["vcs.revision"]), cmp.Or(date, recorded["vcs.time"])
	modified := recorded["vcs.modified"] == "true"
	switch v := build.Main.Version; {
	case number != "":
		i.Version, i.Released = number, published.MatchString(number)
	case strings.HasPrefix(v, "v"):
		i.Version = v
		// A checkout may be at a commit that was never pushed; only a downloaded module has a sum.
		i.Released = build.Main.Sum != "" || published.MatchString(v) && !pseudo.MatchString(v) && !modified
	case len(i.Commit) >= 12:
		i.Version = "devel-" + i.Commit[:12]
		if modified {
			i.Version += "-dirty"
		}
	}
	return i
}

var (
	// published matches versions without build metadata, which only development builds have.
	published = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	// pseudo matches versions that the Go tool derived from a commit.
	pseudo = regexp.MustCompile(`[.-]\d{14}-[0-9a-f]{12}$`)
)
