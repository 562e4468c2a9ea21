package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/dotenv"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// readEnvFile reads the variables that the environment does not set. Without a path it reads
// .env, which need not exist, and which is ignored in CI to avoid accidents.
func (a *app) readEnvFile(path string) error {
	asked := path != ""
	if !asked {
		path = ".env"
		if ci, _ := a.Env("CI"); strings.EqualFold(ci, "true") {
			_, err := os.Stat(path)
			a.envFileSkipped = err == nil
			return nil
		}
	}
	vars, err := dotenv.Read(path, a.Env)
	var bad *fs.PathError
	var line *dotenv.Error
	var untrusted *dotenv.Untrusted
	switch {
	case err == nil:
		a.envFile = vars
		return nil
	case !asked && errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return usage{fmt.Sprintf("--env-file %s: no such file", path), "write one NAME=VALUE per line"}
	case errors.As(err, &line):
		return usage{line.Error(), line.Hint}
	case errors.As(err, &untrusted):
		return usage{untrusted.Error(), untrusted.Hint}
	case errors.As(err, &bad):
		return usage{fmt.Sprintf("read %s: %v", path, bad.Err), "it is a file with one NAME=VALUE per line"}
	}
	return usage{fmt.Sprintf("%s cannot be read", path), "it is a file with one NAME=VALUE per line"}
}

// lookup is a variable: the real environment wins over the file.
func (a *app) lookup(name string) (string, bool) {
	if v, ok := a.Env(name); ok {
		return v, true
	}
	return a.envFile.Lookup(name)
}

func (a *app) openLog(c *urfave.Context) error {
	name := c.String("log-level")
	if name == "" {
		name, _ = a.lookup("LOG_LEVEL")
	}
	var level slog.Level
	switch strings.ToLower(name) {
	case "debug":
		level = slog.LevelDebug
	case "info":
		level = slog.LevelInfo
	case "", "warn", "warning":
		level = slog.LevelWarn
	case "error", "critical":
		level = slog.LevelError
	default:
		return usage{fmt.Sprintf("there is no log level %q", name), "write debug, info, warning or error"}
	}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: bounded}
	switch format := c.String("log-format"); {
	case format == "text" && !c.IsSet("log-format"):
		a.log = slog.New(&consoleHandler{out: a.Stderr, level: level, ofServer: a.serving})
	case format == "text":
		a.log = slog.New(slog.NewTextHandler(a.Stderr.(*writer).whole(), o))
	case format == "json":
		a.log = slog.New(slog.NewJSONHandler(a.Stderr.(*writer).whole(), o))
	default:
		return usage{fmt.Sprintf("there is no log format %q", c.String("log-format")), "write text or json"}
	}
	return nil
}

// bounded limits the texts of a log line.
func bounded(_ []string, attr slog.Attr) slog.Attr {
	switch v := attr.Value.Any().(type) {
	case string:
		attr.Value = slog.StringValue(display.Short(v, display.MaxValue))
	case error:
		attr.Value = slog.StringValue(display.Short(v.Error(), display.MaxValue))
	}
	return attr
}

// settingsOf returns the settings of --set.
func settingsOf(c *urfave.Context) ([]pipeline.Setting, error) {
	var out []pipeline.Setting
	for _, s := range c.StringSlice("set") {
		path, value, ok := strings.Cut(s, "=")
		if !ok || path == "" {
			return nil, usage{"--set: a = is missing", "write --set PATH=VALUE, such as --set source.backstage.page_size=100"}
		}
		out = append(out, pipeline.Setting{Path: path, Value: value})
	}
	return out, nil
}

// theFile returns the only file of a command.
func theFile(c *urfave.Context, more string) (string, error) {
	if c.Args().Len() == 0 {
		return "",
			usage{c.Command.HelpName + " needs a pipeline file",
				"write " + c.Command.HelpName + " pipelines/backstage.yaml" + more}
	}
	path := c.Args().First()
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return "",
			usage{path + " is a folder, but a pipeline file is expected",
				"name a file in it, such as " + strings.TrimSuffix(path, "/") + "/backstage.yaml"}
	}
	return path, nil
}
