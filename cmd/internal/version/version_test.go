package version

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestDescribe(t *testing.T) {
	vcs := func(version, sum, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version, Sum: sum}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-11-29T10:00:00Z"},
			{Key: "vcs.modified", Value: modified}}}
	}
	downloaded := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version, Sum: "h1:x"}}
	}
	for name, tc := range map[string]struct {
		number, commit, date string
		build                *debug.BuildInfo
		want                 Info
	}{
		"a release": {"v1.2.3", "c0ffee", "2026-01-02T03:04:05Z", vcs("(devel)", "", "true"),
			Info{Version: "v1.2.3", Commit: "c0ffee", Date: "2026-01-02T03:04:05Z", Released: true}},
		"a packager's release with only the number": {number: "v1.2.3", build: vcs("(devel)", "", "false"),
			want: Info{Version: "v1.2.3", Commit: "0123456789abcdef", Date: "2026-11-29T10:00:00Z", Released: true}},
		"a release candidate": {"v1.2.3-rc.1", "c0ffee", "", nil,
			Info{Version: "v1.2.3-rc.1", Commit: "c0ffee", Released: true}},
		"a snapshot": {"v1.2.4-dev+c0ffee", "c0ffee", "", nil,
			Info{Version: "v1.2.4-dev+c0ffee", Commit: "c0ffee"}},
		"go install of a version": {build: downloaded("v1.2.3"), want: Info{Version: "v1.2.3", Released: true}},
		"go install of a commit": {build: downloaded("v0.0.0-20261129100000-0123456789ab"),
			want: Info{Version: "v0.0.0-20261129100000-0123456789ab", Released: true}},
		"a checkout at a tag": {build: vcs("v1.2.3", "", "false"),
			want: Info{Version: "v1.2.3", Commit: "0123456789abcdef", Date: "2026-11-29T10:00:00Z", Released: true}},
		"a changed checkout at a tag": {build: vcs("v1.2.3+dirty", "", "true"),
			want: Info{Version: "v1.2.3+dirty", Commit: "0123456789abcdef", Date: "2026-11-29T10:00:00Z"}},
		"a checkout after a tag": {build: vcs("v1.2.4-0.20261129100000-0123456789ab", "", "false"),
			want: Info{Version: "v1.2.4-0.20261129100000-0123456789ab", Commit: "0123456789abcdef",
				Date: "2026-11-29T10:00:00Z"}},
		"a checkout without a version": {build: vcs("(devel)", "", "false"),
			want: Info{Version: "devel-0123456789ab", Commit: "0123456789abcdef", Date: "2026-11-29T10:00:00Z"}},
		"a changed checkout without a version": {build: vcs("(devel)", "", "true"),
			want: Info{Version: "devel-0123456789ab-dirty", Commit: "0123456789abcdef", Date: "2026-11-29T10:00:00Z"}},
		"no version control": {build: &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, want: Info{Version: "devel"}},
		"no build info":      {want: Info{Version: "devel"}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.Go, tc.want.Platform = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH
			if got := describe(tc.number, tc.commit, tc.date, tc.build); got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}
