package glean

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// noSuch are the words by which Glean says that it has no such datasource.
var noSuch = regexp.MustCompile(`(?i)^[^<]*(invalid|unknown|no such) data ?source|^[^<]*data ?source.*(not found|not exist|unknown)`)

// absent tells whether an answer is Glean's own word that there is no such
// datasource. A status alone is not: a gateway has it, too, of a moment.
func absent(err error) bool {
	var s *connection.StatusError
	return errors.As(err, &s) && (s.Status == http.StatusBadRequest || s.Status == http.StatusNotFound) &&
		!strings.HasPrefix(s.Body, "<") && noSuch.MatchString(s.Reason)
}

// unknownToStatus holds the word that there is no datasource against its
// status: one that holds anything is there, and would be overwritten as new.
func (k *Sink) unknownToStatus(ctx context.Context) error {
	status, err := k.status(ctx)
	switch code := statusOf(err); {
	case absent(err), code == http.StatusNotFound, code == http.StatusGone: // the status is beta
		return nil
	case err != nil:
		return err
	}
	for _, n := range holdings(status).Streams {
		if n > 0 {
			return k.bothWays("its status counts what it holds")
		}
	}
	for _, uploads := range histories(status) {
		if len(uploads) > 0 {
			return k.bothWays("its status lists uploads")
		}
	}
	return nil
}

func (k *Sink) bothWays(what string) error {
	return fault.Errorf(fault.Transient, "try it again; if it stays so, look at the datasource in Glean's admin console",
		"Glean says that it has no datasource %q, and %s: it is not set up as new, as that would drop what it has", k.schema.name, what)
}
