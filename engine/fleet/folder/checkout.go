package folder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Checkout is a Git checkout at a commit.
type Checkout struct {
	Folder string
	Commit string // the whole hash
}

var commit = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// IsCommit reports whether a text is the whole hash of a commit.
func IsCommit(text string) bool { return commit.MatchString(text) }

// gitFor is how long one call of git may take.
const gitFor = time.Minute

// Verify returns a *fault.Invalid unless the checkout is at the commit and has no changes, untracked
// files included: what runs is what was reviewed. It returns a transient error when git cannot be run.
func (c Checkout) Verify(ctx context.Context) error {
	head, err := c.git(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	if err != nil {
		return err
	}
	if head = strings.TrimSpace(head); head != c.Commit {
		return &fault.Invalid{Reason: fmt.Sprintf("%s is at the commit %.12s, not at %.12s", c.Folder, head, c.Commit),
			Remedy: "check the commit out: git checkout --detach " + c.Commit}
	}
	// Files that the index declares unchanged are not compared; they are listed with other letters.
	flagged, err := c.git(ctx, "ls-files", "-v")
	if err != nil {
		return err
	}
	for line := range strings.Lines(flagged) {
		if !strings.HasPrefix(line, "H ") {
			return changed(c.Folder, strings.TrimSpace(line[1:])+" is not compared with the commit")
		}
	}
	status, err := c.git(ctx, "status", "--porcelain", "--untracked-files=all", "--ignored", "--ignore-submodules=none")
	if err != nil {
		return err
	}
	if status != "" {
		first, _, _ := strings.Cut(status, "\n")
		return changed(c.Folder, strings.TrimSpace(first))
	}
	return nil
}

func changed(folder, what string) error {
	return &fault.Invalid{Reason: fmt.Sprintf("the checkout %s has changes: %s", folder, what),
		Remedy: "use a clean checkout of the commit, and keep other files out of the folder"}
}

// git runs a command of git that only reads. It starts none of the programs that the checkout's own
// configuration may name.
func (c Checkout) git(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", c.Folder, "-c", "core.fsmonitor=false",
		"-c", "core.hooksPath=" + os.DevNull, "-c", "core.quotePath=true"}, args...)...)
	cmd.Env = append(withoutGit(os.Environ()), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch exit := new(exec.ExitError); {
	case err == nil:
		return string(out), nil
	case ctx.Err() != nil:
		return "", fault.Errorf(fault.Transient, "", "git %s in %s: %w", args[0], c.Folder, ctx.Err())
	case errors.As(err, &exit):
		return "", &fault.Invalid{
			Reason: fmt.Sprintf("git %s in %s: %s", args[0], c.Folder, strings.TrimSpace(stderr.String())),
			Remedy: "name a checkout that this user may read, with git: {folder, commit}"}
	}
	return "", fault.Errorf(fault.Fatal, "install git, or mount the folder and write pipelines: DIR",
		"git cannot be started: %w", err)
}

// withoutGit returns an environment without the variables that make git look at another folder.
func withoutGit(env []string) []string {
	return slices.DeleteFunc(env, func(one string) bool {
		name, _, _ := strings.Cut(one, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"}, name)
	})
}
