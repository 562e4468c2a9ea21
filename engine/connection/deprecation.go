package connection

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxDeprecations bounds what is kept; a connection has few endpoints.
const maxDeprecations = 50

// deprecations are the removals that answers announce.
type deprecations struct {
	mu        sync.Mutex
	sentences []string
}

// add reports whether the sentence is new.
func (d *deprecations) add(sentence string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.sentences) >= maxDeprecations || slices.Contains(d.sentences, sentence) {
		return false
	}
	d.sentences = append(d.sentences, sentence)
	return true
}

// Deprecations returns the sentences about announced removals, each once, sorted. Each was
// logged as a warning when it first came.
func (c *Connection) Deprecations() []string {
	c.deprecated.mu.Lock()
	defer c.deprecated.mu.Unlock()
	return slices.Sorted(slices.Values(c.deprecated.sentences))
}

// heed reads the headers in which an answer announces removals: those of the component, and
// Deprecation (RFC 9745) and Sunset (RFC 8594) for the endpoint.
func (c *Connection) heed(k *call, h http.Header) {
	if own := c.s.Deprecation; own.Name != "" {
		for _, value := range h.Values(own.Name) {
			c.announce(own.Sentence(c.redactor.Clean(value))) // before it is taken apart
		}
	}
	deprecated, sunset := h.Get("Deprecation"), h.Get("Sunset")
	if deprecated == "" && sunset == "" {
		return
	}
	sentence := k.Method + " " + c.Path(k.Path) + " is deprecated"
	if t, ok := since(deprecated); ok {
		sentence += " since " + t.Format(time.DateOnly)
	}
	if t, err := http.ParseTime(sunset); err == nil {
		sentence += " and may be removed on " + t.Format(time.DateOnly) + " on"
	}
	c.announce(sentence)
}

func (c *Connection) announce(sentence string) {
	sentence = c.s.Name + ": " + c.excerpt(sentence, maxExcerpt)
	if c.deprecated.add(sentence) {
		c.s.Log.Warn(sentence)
	}
}

// since is the moment of a Deprecation header: @ and seconds, or, in drafts of
// the standard, a date; "true" names none.
func since(value string) (time.Time, bool) {
	if epoch, ok := strings.CutPrefix(strings.TrimSpace(value), "@"); ok {
		s, err := strconv.ParseInt(epoch, 10, 64)
		return time.Unix(s, 0).UTC(), err == nil && s > 0 && s < maxEpoch
	}
	t, err := http.ParseTime(value)
	return t, err == nil
}

// maxEpoch is the year 10000, the end of the dates that are accepted.
const maxEpoch = 253402300800
