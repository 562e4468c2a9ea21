package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestTokenRotate: the file has the new secret before it says done, and nothing
// prints it.
func TestTokenRotate(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{TokenPeriod: 24 * time.Hour})
	secret := write(t, "token", sinkToken+"\n")
	file := edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${file:"+secret+"}")
	k.asked()
	c := k.pipe(t, "token", "rotate", file)
	now := fileText(t, secret)
	c.expect(t, int(job.Done), "the token has a new secret, which is in "+secret, "works until", "rotate it again before",
		"!"+sinkToken, "!"+strings.TrimSpace(now))
	if now == sinkToken+"\n" || !strings.HasSuffix(now, "\n") || len(now) < 10 {
		t.Fatalf("the file has %d bytes", len(now))
	}
	if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got := k.asked(); len(got) != 1 || got[0] != "rotatetoken" {
		t.Errorf("asked for %v", got)
	}
	k.later(time.Hour) // the old one works no more
	k.pipe(t, "status", file).expect(t, int(job.Done), "documents")
	k.pipe(t, "status", shipped).expect(t, int(job.Failed), "401")

	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	linked := edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${TOKEN:-${file:"+link+"}}")
	k.pipe(t, "token", "rotate", linked, "--json").expect(t, int(job.Done), `"oldUntil"`)
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || fileText(t, secret) == now {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(filepath.Dir(secret))
	if err != nil || len(files) != 2 || files[0].Name() != ".token.lock" {
		t.Errorf("left %v, %v", files, err)
	}
}

// TestTokenRotateRefuses: before anything is rotated, or where Glean does not.
func TestTokenRotateRefuses(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{})
	k.pipe(t, "token", "rotate", shipped).expect(t, int(job.Wrong), "not read from a file",
		"token: ${GLEAN_INDEXING_API_KEY}", "^^^")
	if got := k.asked(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
	secret := write(t, "token", sinkToken)
	part := edited(t, "token: ${GLEAN_INDEXING_API_KEY}", `token: "${file:`+secret+`}${MORE:-x}"`)
	k.pipe(t, "token", "rotate", part).expect(t, int(job.Wrong), "not read from a file")
	file := edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${file:"+secret+"}")
	k.pipe(t, "token", "rotate", file).expect(t, int(job.Failed), "Glean does not rotate this token", "rotation period")
	if fileText(t, secret) != sinkToken {
		t.Error("the file was changed")
	}
	lost := keeping(t, gleansandbox.Options{TokenPeriod: 24 * time.Hour})
	lost.glean.Fail(gleanfaults.Fault{Path: "rotatetoken", LoseAnswer: true, Times: 1})
	lost.pipe(t, "token", "rotate", file).expect(t, int(job.Failed), "whether Glean rotated the token is unknown",
		"again within ten minutes")
	lost.pipe(t, "token", "rotate", file).expect(t, int(job.Done))
	if fileText(t, secret) == sinkToken {
		t.Error("the second time brought no new secret")
	}
}
