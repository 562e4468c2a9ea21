package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// previewIdle is how long a preview without use lasts.
const previewIdle = 30 * time.Minute

func (a *app) previewCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "preview",
		Usage:     "search as any person, before anything is published",
		ArgsUsage: "FILE",
		Description: "Reads the catalog as a dry run does, and serves a search page to a browser on this machine. Pick a " +
			"person to see what they would find after this run and what they find before it. A document shows each field " +
			"with its line in the file, the rule that decided, and everyone who finds it.\n\nNothing is sent, and none of " +
			"the sink's variables is needed. The page opens with a link that works once, within five minutes. The preview " +
			"ends after 30 minutes without use; the texts of the documents end with it.",
		Flags: append([]urfave.Flag{
			&urfave.StringFlag{Name: "listen", Value: "127.0.0.1:0",
				Usage: "the `ADDRESS` of the page on this machine; port 0 is a free one"},
			&urfave.StringFlag{Name: "link-file",
				Usage: "write the link to `FILE`, which only its owner can read, instead of printing it"},
			&urfave.BoolFlag{Name: "no-open", Usage: "open no browser"},
			&urfave.StringFlag{Name: "progress", Value: "auto",
				Usage: "`HOW` progress is shown: auto, bar, plain, json or none"},
		}, sourceFlags()...),
		Action: a.previewAction,
	}
}

func (a *app) previewAction(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	if c.Args().Len() > 1 {
		return usage{fmt.Sprintf("preview takes one file, but there are %d", c.Args().Len()),
			"preview them one after the other"}
	}
	if c.String("link-file") == "" && (!terminal(a.Stdout) || c.Bool("json")) {
		return usage{"the link to the page signs in whoever opens it, so it is printed only to a terminal",
			"name a file for it: --link-file FILE"}
	}
	if err := onLoopback(c.String("listen")); err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	listener, err := listenOn(ctx, c.String("listen"))
	if err != nil {
		return err
	}
	defer listener.Close()
	x, err := a.buildPreview(ctx, c, path)
	if err != nil {
		return err
	}
	defer x.Close()
	return a.servePreview(ctx, c, listener, x)
}

// onLoopback refuses an address that other machines reach.
func onLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return usage{fmt.Sprintf("--listen %s is not an address", address), "write 127.0.0.1:7979"}
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return usage{"--listen " + address + ": a preview shows private texts, so it is served to this machine alone",
			"write 127.0.0.1:7979, or [::1]:7979"}
	}
	return nil
}

func listenOn(ctx context.Context, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, usage{"--listen " + address + ": another program uses the port",
			"name another one, or leave --listen out for a free one"}
	}
	if err != nil {
		return nil, usage{"--listen: " + err.Error(), ""}
	}
	return l, nil
}

// buildPreview reads the catalog and indexes it.
func (a *app) buildPreview(ctx context.Context, c *urfave.Context, path string) (*preview.Index, error) {
	w, err := a.openWatched(ctx, c, path)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	shown, err := a.progress(c)
	if err != nil {
		return nil, err
	}
	x, err := preview.Build(ctx, w.Job, "", job.RunOptions{Progress: shown, Stop: ctx.Done()})
	shown.end()
	if err != nil {
		if a.stopped.Load() != 0 {
			err = fault.ErrStopped
		}
		a.showProblems(c, w.Definition, err)
		return nil, err
	}
	if !c.Bool("json") {
		print.Rejections(a.Stderr, x.Report, a.colors(c))
	}
	return x, nil
}

// servePreview serves the pages until ctx ends or they are not used for a while.
func (a *app) servePreview(ctx context.Context, c *urfave.Context, listener net.Listener, x *preview.Index) error {
	codes := &signin.Memory{}
	address := listener.Addr().(*net.TCPAddr)
	guard := signin.NewGuard(signin.Options{
		Origins: []string{"http://" + address.String()}, Codes: codes,
		Person: func(name string) *signin.Principal { return &signin.Principal{Name: name, Person: true} },
		Cookie: fmt.Sprintf("pipe-preview-%d", address.Port), // cookies are not separate by port
		Idle:   previewIdle,
	})
	pages := preview.Handler(preview.Options{
		Index: x.Lend, Secrets: a.redactor, Log: a.log,
	})
	server := &http.Server{
		Handler:           guard.Protect(signedIn(guard, pages)),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(ending) != nil {
			server.Close()
		}
	}()
	issue := func() string { return guard.Link(codes.Issue(a.who())) }
	if err := a.givePreview(ctx, c, x, address.String(), issue); err != nil {
		return err
	}
	unused := make(chan struct{})
	go func() {
		defer close(unused)
		waitUnused(ctx, previewIdle, guard.LastUsed)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the preview: %w", err)
	case <-unused:
		if ctx.Err() == nil {
			display.Fprintf(a.Stderr, "pipe: the preview was not used for %s and has ended\n",
				display.Plural(int(previewIdle.Minutes()), "minute"))
		}
	}
	return nil
}

// signedIn passes requests of browsers that are signed in.
func signedIn(guard *signin.Guard, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if guard.Session(r) == nil {
			http.Error(w, "Open the link that pipe preview printed: it works once, within five minutes.",
				http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// waitUnused returns when nothing was used for a time, or ctx ends. lastUsed returns the zero
// time before the first use.
func waitUnused(ctx context.Context, limit time.Duration, lastUsed func() time.Time) {
	last := time.Now()
	for {
		if used := lastUsed(); used.After(last) {
			last = used
		}
		left := time.Until(last.Add(limit))
		if left <= 0 {
			return
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return
		}
	}
}

// givePreview gives the link to the person who asked for the preview.
func (a *app) givePreview(ctx context.Context, c *urfave.Context, x *preview.Index, address string,
	issue func() string) error {
	about := fmt.Sprintf("%s, %s who can be picked", display.Plural(x.Documents, "document"),
		display.Plural(x.People(), "user"))
	link := issue()
	if file := c.String("link-file"); file != "" {
		if err := atomicfile.Replace(file, atomicfile.Options{}, func(w io.Writer) error {
			_, err := display.Fprintln(w, display.Block(link))
			return err
		}); err != nil {
			return fmt.Errorf("--link-file: %w", err)
		}
		if c.Bool("json") {
			return a.printJSON(map[string]any{"address": address, "link_file": file, "documents": x.Documents,
				"people": x.People()}, nil)
		}
		display.Fprintf(a.Stdout, "%s. Open the link in %s within five minutes; it works once.\n", about, file)
		flush(a.Stdout)
		return nil
	}
	display.Fprintf(a.Stdout, "%s. Open this link within five minutes; it works once:\n  %s\n", about,
		display.Block(link))
	if a.Interactive {
		display.Fprintln(a.Stdout, "Press Enter for another link, or Ctrl-C to end.")
		go a.moreLinks(ctx, issue)
	}
	flush(a.Stdout)
	if !c.Bool("no-open") && a.hasDisplay() {
		if err := openPage(link); err != nil {
			display.Fprintf(a.Stderr, "! no browser was opened: %v\n", err)
		}
	}
	return nil
}

// moreLinks prints a link for each line of the input.
func (a *app) moreLinks(ctx context.Context, issue func() string) {
	for lines := bufio.NewScanner(a.Stdin); lines.Scan() && ctx.Err() == nil; {
		display.Fprintf(a.Stdout, "  %s\n", display.Block(issue()))
		flush(a.Stdout)
	}
}

// hasDisplay reports whether a browser can open a window.
func (a *app) hasDisplay() bool {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return true
	}
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY"} {
		if v, _ := a.Env(name); v != "" {
			return true
		}
	}
	return false
}

// openPage opens an address in the person's browser. The address is one argument of a program,
// and no shell reads it.
func openPage(address string) error {
	cmd := exec.Command(browserCommand(runtime.GOOS)[0], append(browserCommand(runtime.GOOS)[1:], address)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait()
	return nil
}

// browserCommand returns the command that opens an address, which is its last argument.
func browserCommand(system string) []string {
	switch system {
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	case "darwin":
		return []string{"open"}
	}
	return []string{"xdg-open"}
}
