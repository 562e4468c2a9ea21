package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// operation answers one endpoint: nil is an empty 200, an error that is not a refusal a 400.
// datasource is taken from the path; body is only read.
type operation func(s *Server, datasource string, body []byte) (any, error)

// operations are the endpoints below api.Prefix; debug/X is debug/DATASOURCE/X.
var operations = map[string]operation{
	"adddatasource":         addDatasource,
	"getdatasourceconfig":   getDatasourceConfig,
	"bulkindexusers":        bulkIndexUsers,
	"bulkindexgroups":       bulkIndexGroups,
	"bulkindexmemberships":  bulkIndexMemberships,
	"bulkindexdocuments":    bulkIndexDocuments,
	"checkdocumentaccess":   checkDocumentAccess,
	"debug/status":          debugStatus,
	"debug/document":        debugDocument,
	"debug/documents":       debugDocuments,
	"debug/user":            debugUser,
	"debug/document/events": debugEvents,
	"indexdocument":         indexDocument,
	"indexdocuments":        indexDocuments,
	"updatepermissions":     updatePermissions,
	"deletedocument":        deleteDocument,
	"indexuser":             indexUser,
	"deleteuser":            deleteUser,
	"indexgroup":            indexGroup,
	"deletegroup":           deleteGroup,
	"indexmembership":       indexMembership,
	"deletemembership":      deleteMembership,
	"betausers":             betaUsers,
	"processalldocuments":   processAllDocuments,
	"processallmemberships": processAllMemberships,
	"rotatetoken":           rotateToken,
}

// refusal is an answer that is not 200. Glean does not document the body of
// these: a text for people.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

func bad(format string, args ...any) error { return refuse(http.StatusBadRequest, format, args...) }

// Answer is the answer to a request. Drop and Cut are for an Interceptor.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Drop   bool // reset the connection instead
	Cut    bool // send half of the body and close
}

// Interceptor decides the answer to a request. answer lets the request take effect and
// returns the server's answer; it may be called any number of times, also later, during
// another request. body is only read.
type Interceptor func(r *http.Request, body []byte, answer func() Answer) Answer

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.requests.Done()
	body, err := s.read(r)
	answer := func() Answer { return s.answer(r, body, err) }
	var a Answer
	if s.options.Intercept != nil {
		a = s.options.Intercept(r, body, answer)
	} else {
		a = answer()
	}
	if s.options.Observe != nil {
		s.options.Observe(Exchange{
			Method: r.Method, Path: r.URL.Path, ContentType: r.Header.Get("Content-Type"), Body: body,
			Status: a.Status, AnswerType: a.Header.Get("Content-Type"), Answer: a.Body,
		})
	}
	a.send(w)
}

// send writes the answer; it panics as net/http requires if the connection is to be aborted.
func (a Answer) send(w http.ResponseWriter) {
	if a.Drop {
		reset(w)
	}
	for k, v := range a.Header {
		w.Header()[k] = v
	}
	body := a.Body
	if a.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		body = body[:len(body)/2]
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(body) // the client may have left
	if a.Cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// reset closes the connection without an answer.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			if t, ok := c.(*net.TCPConn); ok {
				_ = t.SetLinger(0) // a reset rather than an orderly end
			}
			_ = c.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// read reads the body, at most MaxPage bytes of it.
func (s *Server) read(r *http.Request) ([]byte, error) {
	limit := int64(s.options.MaxPage)
	if r.ContentLength > limit {
		return nil, refuse(http.StatusRequestEntityTooLarge, "Request body is larger than %d bytes", limit)
	}
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, bad("Request body was cut: %v", err)
	case n > limit:
		return nil, refuse(http.StatusRequestEntityTooLarge, "Request body is larger than %d bytes", limit)
	}
	return b.Bytes(), nil
}

// answer routes a request; err is why its body could not be read.
func (s *Server) answer(r *http.Request, body []byte, err error) Answer {
	var v any
	if err == nil {
		v, err = s.operate(r, body)
	}
	a := Answer{Status: http.StatusOK, Header: http.Header{}}
	switch {
	case err != nil:
		a.Status, a.Body = http.StatusBadRequest, []byte(err.Error())
		if r := (*refusal)(nil); errors.As(err, &r) {
			a.Status = r.status
		}
		a.Header.Set("Content-Type", "text/plain; charset=utf-8")
	case v != nil:
		if a.Body, err = codec.Marshal(v); err != nil {
			return Answer{Status: http.StatusInternalServerError, Header: http.Header{}, Body: []byte(err.Error())}
		}
		a.Header.Set("Content-Type", "application/json")
	}
	return a
}

func (s *Server) operate(r *http.Request, body []byte) (any, error) {
	name, known := strings.CutPrefix(r.URL.Path, api.Prefix)
	datasource := ""
	if rest, debug := strings.CutPrefix(name, "debug/"); debug {
		if datasource, name, _ = strings.Cut(rest, "/"); name != "" {
			name = "debug/" + name
		}
	}
	op := operations[name]
	switch {
	case !known || op == nil:
		return nil, refuse(http.StatusNotFound, "Not found")
	case r.Method != http.MethodPost:
		return nil, refuse(http.StatusMethodNotAllowed, "Method not allowed")
	case !s.authorized(r):
		return nil, refuse(http.StatusUnauthorized, "Not Authorized: token is invalid or has expired")
	}
	if len(body) > 0 {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
			return nil, bad("Content-Type must be application/json")
		}
	}
	return op(s, datasource, body)
}

func (s *Server) authorized(r *http.Request) bool {
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || secret == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token.accepts(secret, s.options.Now())
}
