package run

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Causes returns why a run needs a person, without names of documents and without texts of other
// programs. err is the error of the run and code its code, such as transient; r may be nil. It
// returns nil for a run that ended well.
func Causes(err error, code string, r *Report) []string {
	var refused *fault.Refusal
	switch {
	case errors.As(err, &refused):
		var out []string
		for r := refused; r != nil; r = r.Also {
			out = append(out, refusalCause(r))
		}
		return out
	case errors.As(err, new(*fault.Unconfirmed)) && r != nil:
		var out []string
		for _, s := range r.Paused {
			out = append(out, s+": deletion is paused")
		}
		for _, s := range r.Unconfirmed {
			stream, _, _ := strings.Cut(s, " ")
			out = append(out, stream+": the upload is not confirmed")
		}
		return out
	case err != nil:
		return []string{errorCause(err, code)}
	case r != nil:
		return rejectedCauses(r)
	}
	return nil
}

// refusalCause returns a guard with what it counted.
func refusalCause(r *fault.Refusal) string {
	counts := map[string]int{}
	for _, c := range r.Changes {
		what := c.Stream + " with a wider audience"
		switch access.Class(c.After) {
		case fault.Gone:
			what = c.Stream + " to delete"
		case fault.Added:
			what = c.Stream + " with newcomers"
		}
		counts[what] += c.N
	}
	var parts []string
	for _, what := range byCount(counts) {
		parts = append(parts, display.Number(counts[what])+" "+what)
	}
	if parts == nil {
		return r.Guard
	}
	return r.Guard + ": " + strings.Join(parts, ", ")
}

// rejectedCauses counts the first rejections by stage and field.
func rejectedCauses(r *Report) []string {
	counts := map[string]int{}
	for _, d := range r.Rejections {
		where := string(d.Stage)
		if d.Field != "" {
			where += ", " + d.Field
		}
		counts[where]++
	}
	var out []string
	for _, where := range byCount(counts) {
		out = append(out, fmt.Sprintf("%s: %s", where, display.Plural(counts[where], "record")))
	}
	return out
}

// errorCause returns what kind of error ended a run.
func errorCause(err error, code string) string {
	var status *connection.StatusError
	switch {
	case errors.As(err, &status):
		return fmt.Sprintf("a request was answered with %d %s", status.Status, http.StatusText(status.Status))
	case errors.Is(err, connection.ErrTimeout):
		return "a request timed out"
	case errors.Is(err, connection.ErrDown):
		return "a server cannot be reached"
	}
	return code + " error"
}

// byCount returns the names of a count, the largest first.
func byCount(m map[string]int) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int { return m[b] - m[a] })
	return names
}
