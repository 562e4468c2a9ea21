package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"runtime"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/serve/local"
)

// pageFlags are the flags of commands that serve a page on this machine.
func pageFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "listen", Value: "127.0.0.1:0",
			Usage: "the `ADDRESS` of the page on this machine; port 0 is a free one"},
		&urfave.StringFlag{Name: "link-file",
			Usage: "write the link to `FILE`, which only its owner can read, instead of printing it"},
		&urfave.BoolFlag{Name: "no-open", Usage: "open no browser"},
	}
}

// linkHasPlace refuses a call whose link would be printed where others may read it.
func (a *app) linkHasPlace(c *urfave.Context) error {
	if c.String("link-file") == "" && (!terminal(a.Stdout) || c.Bool("json")) {
		return usage{"the link to the page signs in whoever opens it, so it is printed only to a terminal",
			"name a file for it: --link-file FILE"}
	}
	return nil
}

// served is what is printed about a page.
type served struct {
	about string         // before the link
	facts map[string]any // added to the JSON
	ended string         // when it was not used
}

// servePage gives the link to the person who called, and serves the page until ctx ends or the page
// is not used for a while.
func (a *app) servePage(ctx context.Context, c *urfave.Context, s *local.Server, pages http.Handler, p served) error {
	unused, err := s.Serve(ctx, pages, func() error { return a.giveLink(ctx, c, s, p) })
	if unused {
		display.Fprintf(a.Stderr, "pipe: %s\n", p.ended)
	}
	return err
}

// giveLink gives the link to the person who called.
func (a *app) giveLink(ctx context.Context, c *urfave.Context, s *local.Server, p served) error {
	link := s.Link()
	if file := c.String("link-file"); file != "" {
		if err := atomicfile.Replace(file, atomicfile.Options{}, func(w io.Writer) error {
			_, err := display.Fprintln(w, display.Block(link))
			return err
		}); err != nil {
			return fmt.Errorf("--link-file: %w", err)
		}
		if c.Bool("json") {
			out := map[string]any{"address": s.Address(), "link_file": file}
			maps.Copy(out, p.facts)
			return a.printJSON(out, nil)
		}
		display.Fprintf(a.Stdout, "%s. Open the link in %s within five minutes; it works once.\n", p.about, file)
		flush(a.Stdout)
		return nil
	}
	display.Fprintf(a.Stdout, "%s. Open this link within five minutes; it works once:\n  %s\n", p.about,
		display.Block(link))
	if a.Interactive {
		display.Fprintln(a.Stdout, "Press Enter for another link, or Ctrl-C to end.")
		go a.moreLinks(ctx, s.Link)
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
