package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// operation answers one endpoint: nil is an empty 200, an error that is not a
// refusal a 400. datasource is what stands in the path, body is only read.
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

type answer struct {
	status int
	header http.Header
	body   []byte
	drop   bool // reset the connection instead
	cut    bool // send half of the body and close
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.requests.Done()
	body, err := s.read(r)
	f := s.faultFor(r.URL.Path, body)
	f.wait(r.Context())
	a, replaced := f.replace()
	if !replaced || f.TakesEffect {
		own := s.answer(r, body, err)
		if f != nil && f.Twice {
			own = s.answer(r, body, err)
		}
		if !replaced {
			a = own
			f.spoil(&a)
		}
	}
	if err == nil {
		s.delay(f, r, body)
	}
	s.arrive()
	if s.options.Observe != nil {
		s.options.Observe(Exchange{
			Method: r.Method, Path: r.URL.Path, ContentType: r.Header.Get("Content-Type"), Body: body,
			Status: a.status, AnswerType: a.header.Get("Content-Type"), Answer: a.body,
		})
	}
	a.send(w)
}

// send writes the answer; it panics as net/http wants it where the answer is
// to end badly.
func (a answer) send(w http.ResponseWriter) {
	if a.drop {
		reset(w)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	body := a.body
	if a.cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		body = body[:len(body)/2]
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // the client may be gone
	if a.cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// read takes in the body, at most MaxPage bytes of it.
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
func (s *Server) answer(r *http.Request, body []byte, err error) answer {
	var v any
	if err == nil {
		v, err = s.operate(r, body)
	}
	a := answer{status: http.StatusOK, header: http.Header{}}
	switch {
	case err != nil:
		a.status, a.body = http.StatusBadRequest, []byte(err.Error())
		if r := (*refusal)(nil); errors.As(err, &r) {
			a.status = r.status
		}
		a.header.Set("Content-Type", "text/plain; charset=utf-8")
	case v != nil:
		if a.body, err = codec.Marshal(v); err != nil {
			return answer{status: http.StatusInternalServerError, header: http.Header{}, body: []byte(err.Error())}
		}
		a.header.Set("Content-Type", "application/json")
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
