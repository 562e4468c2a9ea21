package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
)

// The status and the code of the answer to a refused push.
var (
	pushStatus = map[component.PushFault]int{
		component.PushInvalid: http.StatusUnprocessableEntity, component.PushForbidden: http.StatusForbidden,
		component.PushUnknown: http.StatusNotFound, component.PushConflict: http.StatusConflict,
		component.PushTooLarge: http.StatusRequestEntityTooLarge,
	}
	pushCode = map[component.PushFault]string{
		component.PushInvalid: "invalid", component.PushForbidden: "forbidden", component.PushUnknown: "not_found",
		component.PushConflict: "conflict", component.PushTooLarge: "too_large",
	}
)

// grant returns what the sender may push.
func (c *call) grant() component.Grant {
	r := c.who.Records
	g := component.Grant{ID: c.who.ID, Kinds: r.Kinds, Namespaces: r.Namespaces, Identities: r.Identities}
	if len(g.Namespaces) == 0 && !g.Identities {
		g.Namespaces = []string{component.All}
	}
	return g
}

// key returns the idempotency key of the request.
func (c *call) key() string { return c.Header.Get("Idempotency-Key") }

// replayed marks the answer to a request that was made before.
func (c *call) replayed(is bool) {
	if is {
		c.w.Header().Set("Idempotent-Replayed", "true")
	}
}

// changed asks for the run that reads what was pushed. It returns "" when the server is about to
// end; then the next server asks for it. A repeated request asks for a run again, since the first
// one may have ended before it asked.
func (c *call) changed() (run string, err error) {
	t, err := c.pipeline.Trigger(serve.Request{By: c.who.Name, Person: c.who.Person, How: serve.ByPush, Changed: true})
	if errors.Is(err, fault.ErrStopped) {
		return "", nil
	}
	return t.Run, err
}

// change changes the records of the pipeline, with an entry in the audit log.
func (c *call) change(action, detail string, do func(component.RecordStore) error) error {
	return c.pipeline.WithRecords(c.Context(), func(s component.RecordStore) error {
		return c.caller.Do(c.Context(), ask.Entry{Action: action, Detail: detail}, func() error { return do(s) })
	})
}

func (c *call) beginSet() (int, any, error) {
	var scope component.Scope
	if err := c.body(&scope); err != nil {
		return 0, nil, err
	}
	var set component.OpenSet
	names := short(strings.Join(slices.Concat(scope.Kinds, scope.Namespaces), " "))
	err := c.change(serve.ActBeginSet, names, func(s component.RecordStore) (err error) {
		set, err = s.Begin(c.Context(), c.grant(), scope, c.key())
		return err
	})
	c.replayed(set.Replayed)
	return http.StatusCreated, set, err
}

func (c *call) appendRecords() (int, any, error) {
	if err := c.declared("application/x-ndjson"); err != nil {
		return 0, nil, err
	}
	var added component.Appended
	err := c.pipeline.WithRecords(c.Context(), func(s component.RecordStore) (err error) {
		added, err = s.Append(c.Context(), c.grant(), c.PathValue("set"), c.stream(), c.key())
		return err
	})
	c.replayed(added.Replayed)
	return http.StatusOK, added, err
}

func (c *call) commitSet() (int, any, error) {
	var body struct {
		Expected *int `json:"expected"`
	}
	if err := c.body(&body); err != nil {
		return 0, nil, err
	}
	if body.Expected == nil || *body.Expected < 0 {
		return 0, nil, badRequest{"the number of records is missing",
			`send {"expected": N}, the number of records that you appended`}
	}
	answer := struct {
		component.Committed
		Run string `json:"run,omitempty"`
	}{}
	set := c.PathValue("set")
	detail := fmt.Sprintf("%s, %d records", short(set), *body.Expected)
	err := c.change(serve.ActCommitSet, detail, func(s component.RecordStore) (err error) {
		answer.Committed, err = s.Commit(c.Context(), c.grant(), set, *body.Expected, c.key())
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	c.replayed(answer.Replayed)
	answer.Run, err = c.changed()
	return http.StatusOK, answer, err
}

func (c *call) abortSet() (int, any, error) {
	err := c.change(serve.ActAbortSet, short(c.PathValue("set")), func(s component.RecordStore) error {
		return s.Abort(c.Context(), c.grant(), c.PathValue("set"))
	})
	return http.StatusOK, map[string]any{}, err
}

func (c *call) pushRecord() (int, any, error) {
	if err := c.declared("application/json"); err != nil {
		return 0, nil, err
	}
	return c.single(serve.ActPushRecord, func(s component.RecordStore, ref string) (component.Changed, error) {
		return s.Upsert(c.Context(), c.grant(), ref, c.stream(), c.key())
	})
}

func (c *call) deleteRecord() (int, any, error) {
	return c.single(serve.ActDelete, func(s component.RecordStore, ref string) (component.Changed, error) {
		return s.Delete(c.Context(), c.grant(), ref, c.key())
	})
}

// single changes the record of the path.
func (c *call) single(action string, do func(component.RecordStore, string) (component.Changed, error)) (
	int, any, error,
) {
	ref := c.PathValue("ref")
	if ref == "" {
		return 0, nil, badRequest{"the path names no record", "write its ref at the end of the path"}
	}
	answer := struct {
		component.Changed
		Run string `json:"run,omitempty"`
	}{}
	err := c.change(action, short(ref), func(s component.RecordStore) (err error) {
		answer.Changed, err = do(s, ref)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	c.replayed(answer.Replayed)
	if answer.Changed.Changed {
		answer.Run, err = c.changed()
	}
	return http.StatusOK, answer, err
}

// stream returns the body of a push. It may be as large as the store allows, and must arrive at
// leastRate at least.
func (c *call) stream() io.Reader {
	return &stream{body: c.whole, control: http.NewResponseController(c.w), began: time.Now()}
}

const (
	leastRate  = 16 << 10 // bytes a second
	streamTime = time.Minute
	answerTime = 2 * time.Minute
)

// stream gives a body more time the more of it has arrived.
type stream struct {
	body    io.Reader
	control *http.ResponseController
	began   time.Time
	read    int64
}

func (s *stream) Read(p []byte) (int, error) {
	until := s.began.Add(streamTime + time.Duration(s.read/leastRate)*time.Second)
	for _, err := range []error{s.control.SetReadDeadline(until), s.control.SetWriteDeadline(until.Add(answerTime))} {
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	n, err := s.body.Read(p)
	s.read += int64(n)
	return n, err
}
