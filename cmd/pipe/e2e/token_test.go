package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/secret/store"
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

// TestTokenRotateInStore: the store has the new secret, which may be sent where the old one
// may; a token of another provider is refused before anything is rotated.
func TestTokenRotateInStore(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{TokenPeriod: 24 * time.Hour})
	dir := t.TempDir()
	identity := filepath.Join(dir, "secrets.key")
	file := edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${secret:glean}", "\nname: ",
		"\nsecrets:\n  store: {file: "+filepath.Join(dir, "secrets.age")+", identity: \"${file:"+identity+"}\"}\nname: ")
	place, err := store.Locate(file, &config.Variables{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := place.Init(nil); err != nil {
		t.Fatal(err)
	}
	s, err := place.Open()
	if err != nil {
		t.Fatal(err)
	}
	k.pipe(t, "token", "rotate", file).expect(t, int(job.Wrong), `has no secret "glean"`)
	if _, err := s.Set("glean", sinkToken, []string{k.glean.URL()}, false); err != nil {
		t.Fatal(err)
	}
	k.asked()
	c := k.pipe(t, "token", "rotate", file)
	now, err := s.Get("glean")
	if err != nil || now.Text == sinkToken || !slices.Equal(now.Origins, []string{k.glean.URL()}) {
		t.Fatalf("%v, the same: %v, %v", now.Origins, now.Text == sinkToken, err)
	}
	c.expect(t, int(job.Done), "secrets.age as glean", "works until", "commit", "!"+sinkToken, "!"+now.Text)
	if got := k.asked(); len(got) != 1 || got[0] != "rotatetoken" {
		t.Errorf("asked for %v", got)
	}
	k.later(time.Hour) // the old one works no more
	k.pipe(t, "status", file).expect(t, int(job.Done), "documents")
	k.pipe(t, "token", "rotate", file, "--json").expect(t, int(job.Done), `"secret": "glean"`, "!"+now.Text)

	k.glean.Fail(gleanfaults.Fault{Path: "rotatetoken", Status: 400, Times: 1})
	last, _ := s.Get("glean")
	k.pipe(t, "token", "rotate", file).expect(t, int(job.Failed), "Glean does not rotate this token")
	if same, err := s.Get("glean"); err != nil || same.Text != last.Text {
		t.Errorf("the store was changed: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	other := edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${secret:glean}", "\nname: ",
		"\nsecrets:\n  exec: {command: [echo, "+sinkToken+"]}\nname: ")
	k.asked()
	k.pipe(t, "token", "rotate", other).expect(t, int(job.Failed), "comes from secrets.exec, which pipe does not change")
	if got := k.asked(); len(got) > 0 {
		t.Errorf("asked for %v", got)
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
