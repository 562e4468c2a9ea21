package sdk

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

type loggerKey struct{}

type logging struct {
	log    *slog.Logger
	record *Record
}

// Logger returns the plugin's log from the context of Start and Transform: its lines appear
// in pipe's log with the plugin's name, their level, and the ref of the record. pipe decides
// which levels are shown.
func Logger(ctx context.Context) *slog.Logger {
	l, ok := ctx.Value(loggerKey{}).(logging)
	if !ok {
		return slog.New(slog.DiscardHandler)
	}
	if l.record != nil {
		return l.log.With("ref", l.record.Ref())
	}
	return l.log
}

func withLogger(ctx context.Context, log *slog.Logger, r *Record) context.Context {
	return context.WithValue(ctx, loggerKey{}, logging{log, r})
}

// newLogger writes the JSON lines that go-plugin's host reads from stderr.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey:
				return slog.String("@timestamp", a.Value.Time().Format("2006-01-02T15:04:05.000000Z07:00"))
			case slog.LevelKey:
				return slog.String("@level", strings.ToLower(a.Value.String()))
			case slog.MessageKey:
				return slog.String("@message", a.Value.String())
			}
			return a
		},
	}))
}
