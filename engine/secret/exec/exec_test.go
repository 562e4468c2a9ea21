package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// canary is in what the commands print; no error may contain it.
const canary = "canary-5f1d0c"

// TestMain makes the test binary the command of the tests: its first argument is how it
// behaves.
func TestMain(m *testing.M) {
	if os.Getenv("PIPE_TEST_COMMAND") == "" {
		goleak.VerifyTestMain(m)
	}
	switch os.Args[1] {
	case "print":
		fmt.Print(strings.Join(os.Args[2:], "|"))
	case "line":
		fmt.Print(canary + "\n")
	case "crlf":
		fmt.Print(canary + "\r\n")
	case "lines":
		fmt.Print("begin\nend\n")
	case "nothing":
		fmt.Fprintln(os.Stderr, canary)
	case "blank":
		fmt.Print(" \n")
	case "binary":
		fmt.Print(canary + "\xff\xfe")
	case "folder":
		dir, _ := os.Getwd()
		fmt.Print(filepath.Base(dir))
	case "fail":
		fmt.Print(canary)
		fmt.Fprintln(os.Stderr, canary)
		os.Exit(3)
	case "long":
		fmt.Print(strings.Repeat("x", maxOutput))
	case "endless":
		for {
			if _, err := fmt.Print(strings.Repeat(canary, 100)); err != nil {
				os.Exit(1)
			}
		}
	case "sleep":
		fmt.Print(canary)
		time.Sleep(time.Minute)
	case "input":
		n, err := os.Stdin.Read(make([]byte, 1))
		fmt.Print("read ", n, " ", err)
	case "child": // leaves a process behind that holds its output
		child := osexec.Command(os.Args[0], "sleep")
		child.Stdout, child.Env = os.Stdout, os.Environ()
		if err := child.Start(); err != nil {
			os.Exit(1)
		}
		if err := os.WriteFile(os.Args[2], fmt.Append(nil, child.Process.Pid), 0o600); err != nil {
			os.Exit(1)
		}
		fmt.Print(canary)
	}
	os.Exit(0)
}

// get runs the test binary as a command.
func get(t *testing.T, name string, arguments ...string) (string, error) {
	t.Helper()
	t.Setenv("PIPE_TEST_COMMAND", "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Command: append([]string{self}, arguments...)}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if arguments[0] == "sleep" {
		p.limit = 200 * time.Millisecond
	}
	return p.Get(t.Context(), name)
}

func TestOutputIsTheSecret(t *testing.T) {
	for name, one := range map[string]struct {
		arguments []string
		want      string
	}{
		"without a line break":    {[]string{"print"}, "NAME"},
		"with a line break":       {[]string{"line"}, canary},
		"with that of Windows":    {[]string{"crlf"}, canary},
		"several lines":           {[]string{"lines"}, "begin\nend"},
		"the name in an argument": {[]string{"print", "op://pipe/{name}/password", "x"}, "op://pipe/NAME/password|x"},
		"the longest":             {[]string{"long"}, strings.Repeat("x", maxOutput)},
		"no input":                {[]string{"input"}, "read 0 EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := get(t, "NAME", one.arguments...); err != nil || got != one.want {
				t.Errorf("%.80q, %v", got, err)
			}
		})
	}
}

// A name is one argument, whatever is in it: no shell reads it.
func TestNoShell(t *testing.T) {
	name := "a b;echo $HOME `id` > x"
	if got, err := get(t, name, "print"); err != nil || got != name {
		t.Errorf("%q, %v", got, err)
	}
}

// No error quotes what a command printed, and each says what to do.
func TestFailures(t *testing.T) {
	for name, one := range map[string]struct {
		arguments []string
		want      string
	}{
		"another exit code": {[]string{"fail"}, `ended with 3 for the secret "NAME"`},
		"no output":         {[]string{"nothing"}, "printed nothing"},
		"white space":       {[]string{"blank"}, "printed nothing"},
		"no text":           {[]string{"binary"}, "not UTF-8 text"},
		"no end":            {[]string{"sleep"}, "did not end within 200ms"},
		"endless output":    {[]string{"endless"}, "printed more than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			got, err := get(t, "NAME", one.arguments...)
			if err == nil || !strings.Contains(err.Error(), one.want) || got != "" {
				t.Fatalf("%q, %v", got, err)
			}
			if fault.ClassOf(err) != fault.Fatal || fault.RemedyOf(err) == "" {
				t.Errorf("class %v, remedy %q", fault.ClassOf(err), fault.RemedyOf(err))
			}
			if text := err.Error() + fault.RemedyOf(err); strings.Contains(text, canary) {
				t.Errorf("the output is in %q", text)
			}
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A process that the command leaves behind ends with it.
func TestChildEnds(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process on Windows has no group")
	}
	path := filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	_, err := get(t, "NAME", "child", path)
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("took %v", took)
	}
	if err == nil || !strings.Contains(err.Error(), "left a process behind") {
		t.Errorf("%v", err)
	}
	pid, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); alive(string(pid)); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child runs on")
		}
	}
}

// alive reports whether a process runs; one that has ended but was not waited for does not.
func alive(pid string) bool {
	out, err := osexec.Command("ps", "-o", "stat=", "-p", pid).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func TestCancel(t *testing.T) {
	t.Setenv("PIPE_TEST_COMMAND", "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Command: []string{self, "sleep"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := p.Get(ctx, "NAME"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPrograms(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "plain"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"pipe-no-such-program": "was not found", "./none": "was not found"}
	if runtime.GOOS != "windows" {
		programs["./plain"] = "may not be executed"
	}
	for program, want := range programs {
		p, err := New(Config{Command: []string{program}}, folder)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.Get(t.Context(), "NAME"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", program, err)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	dead, err := New(Config{Command: []string{"sh", "-c", "kill -9 $$", "{name}"}}, folder) // sh is in PATH
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dead.Get(t.Context(), "NAME"); err == nil || !strings.Contains(err.Error(), "was ended by a signal") {
		t.Errorf("%v", err)
	}
	script := filepath.Join(folder, "secret")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nbasename \"$PWD\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Command: []string{"./secret"}}, folder)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Get(t.Context(), "NAME"); err != nil || got != filepath.Base(folder) {
		t.Errorf("%q, %v", got, err)
	}
}

// A name that the program could read as an option is refused.
func TestNames(t *testing.T) {
	for _, name := range []string{"", "-rf", "--output=/etc/passwd", "a\x00b"} {
		if got, err := get(t, name, "print"); err == nil || !strings.Contains(err.Error(), "cannot be given") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := config.CheckSpec(&Config{}); err != nil {
		t.Error(err)
	}
	for name, one := range map[string]struct {
		command []string
		want    string
	}{
		"good":             {[]string{"op", "read", "op://pipe/{name}"}, ""},
		"no program":       {[]string{" ", "x"}, "no program"},
		"name as program":  {[]string{"/bin/{name}"}, "contains {name}"},
		"one text":         {[]string{"pass show"}, "contains a space"},
		"nothing":          {nil, "is empty"},
		"space and others": {[]string{"/opt/my tools/pass", "show"}, ""},
	} {
		if _, err := New(Config{Command: one.command}, ""); (err == nil) != (one.want == "") ||
			err != nil && !strings.Contains(err.Error(), one.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
