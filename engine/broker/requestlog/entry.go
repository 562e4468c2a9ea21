package requestlog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Entry is one line. Which members it has depends on the event.
type Entry struct {
	Number uint64 `json:"seq"`
	Before string `json:"prev"` // SHA-256 of the line before, in hex; "" for the first line
	Time   string `json:"time"` // RFC 3339, UTC
	Event  string `json:"event"`

	Hub      string   `json:"hub,omitempty"`    // through which the request came
	Caller   string   `json:"caller,omitempty"` // the name of the token
	Run      string   `json:"run,omitempty"`    // as the caller states it
	Request  string   `json:"request,omitempty"`
	Target   string   `json:"target,omitempty"`
	Method   string   `json:"method,omitempty"`
	Path     string   `json:"path,omitempty"` // decoded
	Keys     []string `json:"query,omitempty"`
	Decision string   `json:"decision,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Reason   string   `json:"reason,omitempty"`

	Status int   `json:"status,omitzero"` // 0 when there was no answer
	Bytes  int64 `json:"bytes,omitzero"`  // of the answer's body
	Millis int64 `json:"ms,omitzero"`
	Count  int   `json:"count,omitzero"` // of EventMoreDenied
}

// The events of lines.
const (
	EventRequest    = "request"     // a decision about a request
	EventAnswer     = "answer"      // the end of an allowed request
	EventMoreDenied = "more-denied" // denied requests that have no line of their own
	EventStart      = "start"       // the log was opened
	EventStop       = "stop"        // the log was closed
	EventRecovered  = "recovered"   // the program ended while it wrote a line, which was removed
	EventNote       = "note"        // what else an auditor should know, as Reason
)

// The decisions.
const (
	Allowed = "allowed"
	Denied  = "denied"
)

// Mark is a line with its checksum, which says what the log was up to there.
type Mark struct {
	Number uint64
	Sum    string // SHA-256 of the line, in hex
}

// String is the number and the checksum with a colon; "" for a log without lines.
func (m Mark) String() string {
	if m.Number == 0 {
		return ""
	}
	return strconv.FormatUint(m.Number, 10) + ":" + m.Sum
}

// ParseMark reads the notation of Mark.String.
func ParseMark(text string) (Mark, error) {
	number, sum, found := strings.Cut(text, ":")
	n, err := strconv.ParseUint(number, 10, 64)
	if b, bad := hex.DecodeString(sum); !found || err != nil || bad != nil || len(b) != sha256.Size || n == 0 {
		return Mark{}, fmt.Errorf("%q is not NUMBER:CHECKSUM", text)
	}
	return Mark{n, strings.ToLower(sum)}, nil
}

func sumOf(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}
