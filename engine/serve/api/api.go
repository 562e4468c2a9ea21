package api

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// Prefix begins the paths of the API.
const Prefix = "/api/v1"

// mostNear is the maximum number of refs in a hint.
const mostNear = 5

// maxBody is the maximum number of bytes of a request that is not a push.
const maxBody = 1 << 20

//go:embed openapi.json
var description []byte

// API answers requests about a server.
type API struct {
	server *serve.Server
	tokens *signin.Tokens
	hooks  *signin.Webhooks
	client func(r *http.Request) string
	mux    *http.ServeMux
	routes []route

	readings readings
}

// route is a call of the API. role is what it needs for the pipeline of its path; a route without
// {pipeline} needs a token only.
type route struct {
	method, path string
	role         signin.Role
	handle       func(*call) (status int, answer any, err error)
}

// call is a request whose sender may make it.
type call struct {
	*http.Request
	api      *API
	who      *signin.Principal
	pipeline *serve.Pipeline // nil when the path names none
	caller   ask.Caller
	w        http.ResponseWriter
	whole    io.Reader // the body without the limit maxBody
}

// New returns the API of a server. hooks is nil when there are no webhooks. client returns the
// address from which a request comes, as signin.Client does.
func New(server *serve.Server, tokens *signin.Tokens, hooks *signin.Webhooks, client func(*http.Request) string) *API {
	a := &API{server: server, tokens: tokens, hooks: hooks, client: client, mux: http.NewServeMux()}
	a.routes = []route{
		{"GET", "/openapi.json", "", nil},
		{"GET", "/pipelines", "", (*call).pipelines},
		{"GET", "/pipelines/{pipeline}", signin.View, (*call).status},
		{"GET", "/pipelines/{pipeline}/runs", signin.View, (*call).runs},
		{"POST", "/pipelines/{pipeline}/runs", signin.Trigger, (*call).trigger},
		{"GET", "/pipelines/{pipeline}/runs/{run}", signin.View, (*call).run},
		{"GET", "/pipelines/{pipeline}/refusal", signin.View, (*call).refusal},
		{"POST", "/pipelines/{pipeline}/refusals/{refusal}/approval", signin.Approve, (*call).approve},
		{"POST", "/pipelines/{pipeline}/rules/{rules}/approval", signin.Approve, (*call).acceptRules},
		{"GET", "/pipelines/{pipeline}/actions", signin.Inspect, (*call).actions},
		{"GET", "/pipelines/{pipeline}/documents", signin.Inspect, (*call).documents},
		{"POST", "/pipelines/{pipeline}/documents", signin.Inspect, (*call).readDocuments},
		{"GET", "/pipelines/{pipeline}/documents/{ref...}", signin.Inspect, (*call).explain},
		{"GET", "/pipelines/{pipeline}/search", signin.Inspect, (*call).search},
		{"POST", "/pipelines/{pipeline}/sets", signin.Push, (*call).beginSet},
		{"POST", "/pipelines/{pipeline}/sets/{set}/records", signin.Push, (*call).appendRecords},
		{"POST", "/pipelines/{pipeline}/sets/{set}/commit", signin.Push, (*call).commitSet},
		{"DELETE", "/pipelines/{pipeline}/sets/{set}", signin.Push, (*call).abortSet},
		{"PUT", "/pipelines/{pipeline}/records/{ref...}", signin.Push, (*call).pushRecord},
		{"DELETE", "/pipelines/{pipeline}/records/{ref...}", signin.Push, (*call).deleteRecord},
	}
	for _, r := range a.routes {
		a.mux.HandleFunc(r.method+" "+Prefix+r.path, func(w http.ResponseWriter, req *http.Request) { a.serve(w, req, r) })
	}
	if hooks != nil {
		a.mux.HandleFunc("POST "+Prefix+"/webhooks/{pipeline}", a.webhook)
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		if a.tokens.Sender(req) == nil {
			a.write(w, http.StatusUnauthorized, newProblem("unauthorized", "a token is missing or not known", tokenHint))
			return
		}
		a.write(w, http.StatusNotFound, newProblem("not_found", "there is no "+req.Method+" "+short(req.URL.Path),
			"see "+Prefix+"/openapi.json"))
	})
	return a
}

// ServeHTTP implements http.Handler. The Host header was checked before.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

const tokenHint = "send a token as Authorization: Bearer TOKEN; pipe serve token add makes one"

func (a *API) serve(w http.ResponseWriter, req *http.Request, r route) {
	c := &call{Request: req, api: a, who: a.tokens.Sender(req), w: w, whole: req.Body}
	if c.who == nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		a.write(w, http.StatusUnauthorized, newProblem("unauthorized", "a token is missing or not known", tokenHint))
		return
	}
	if r.handle == nil {
		w.Header().Set("Content-Type", "application/json")
		w.Write(description)
		return
	}
	if name := req.PathValue("pipeline"); name != "" {
		c.pipeline = a.server.Pipeline(name)
		if c.pipeline == nil || !known(c.who, name) {
			a.write(w, http.StatusNotFound, newProblem("not_found", "there is no pipeline "+short(name), ""))
			return
		}
		c.caller = ask.Caller{Server: a.server, Pipeline: c.pipeline, Who: c.who, How: serve.ByAPI}
		if err := c.caller.Need(r.role); err != nil {
			status, answer := a.failed(err)
			a.write(w, status, answer)
			return
		}
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	status, answer, err := r.handle(c)
	if err != nil {
		status, answer = a.failed(err)
	}
	a.write(w, status, answer)
}

// known reports whether a sender has any role for a pipeline.
func known(who *signin.Principal, pipeline string) bool {
	for _, role := range signin.Roles {
		if who.May(role, pipeline) {
			return true
		}
	}
	return false
}

// problem is an error in an answer.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Line is the line of the body that is wrong; 0 when the problem is not about a line.
	Line int `json:"line,omitzero"`
}

func newProblem(code, message, hint string) problem {
	return problem{Code: code, Message: message, Hint: hint}
}

// badRequest is an error of the request.
type badRequest struct{ message, hint string }

func (e badRequest) Error() string { return e.message }

// failed returns the status and the answer for an error.
func (a *API) failed(err error) (int, problem) {
	var bad badRequest
	var large *http.MaxBytesError
	var conflict *serve.ConflictError
	var forbidden *serve.ForbiddenError
	var invalid *fault.Invalid
	var refused *component.PushError
	var unread *serve.UnreadError
	var unknown *preview.UnknownRefError
	var person *preview.UnknownPersonError
	var role *ask.RoleError
	switch {
	case errors.As(err, &role):
		hint := "use a token with this role"
		if role.Program {
			hint = "a person must approve: sign in, or use a token that was added with --person"
		}
		return http.StatusForbidden, newProblem("forbidden", role.Error(), hint)
	case errors.As(err, &person):
		return http.StatusNotFound, newProblem("not_found", person.Error(), "write an e-mail, or the ref of a user")
	case errors.As(err, &unread):
		return http.StatusBadGateway, newProblem("unread", unread.Error(), report.HintOf(unread.Err))
	case errors.As(err, &unknown):
		hint := "write a ref as the source does"
		if len(unknown.Near) > 0 {
			hint = "did you mean " + display.List(unknown.Near, mostNear, ", ") + "?"
		}
		return http.StatusNotFound, newProblem("not_found", unknown.Error(), hint)
	case errors.As(err, &refused):
		p := newProblem(pushCode[refused.Fault], refused.Error(), refused.Remedy)
		p.Line = refused.Line
		return pushStatus[refused.Fault], p
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, newProblem("timeout", "the body did not arrive in time", "send it again")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return http.StatusBadRequest, newProblem("bad_request", "the body ended early", "send it again")
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, newProblem("too_large",
			fmt.Sprintf("the body is larger than %d bytes", large.Limit), "")
	case errors.As(err, &bad):
		return http.StatusBadRequest, newProblem("bad_request", bad.message, bad.hint)
	case errors.As(err, &invalid):
		return http.StatusBadRequest, newProblem("bad_request", invalid.Reason, invalid.Remedy)
	case errors.As(err, &conflict):
		return http.StatusConflict, newProblem("conflict", conflict.Reason, conflict.Remedy)
	case errors.As(err, &forbidden):
		return http.StatusForbidden, newProblem("forbidden", forbidden.Reason, "")
	case errors.Is(err, history.ErrNotFound):
		return http.StatusNotFound, newProblem("not_found", "there is no such run", "")
	case errors.Is(err, fault.ErrStopped):
		return http.StatusServiceUnavailable, newProblem("stopping", "the server is about to end", "try again later")
	}
	a.server.Log().Error("a request failed", "error", err)
	return http.StatusInternalServerError, newProblem("failed", "the request failed",
		"the log of the server has the reason")
}

// write sends an answer without secrets.
func (a *API) write(w http.ResponseWriter, status int, answer any) {
	if p, is := answer.(problem); is {
		answer = map[string]problem{"error": p}
	}
	b, err := codec.Marshal(answer)
	if err != nil { // every answer is made of plain values
		status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"failed","message":"no answer"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, a.server.Secrets().Clean(string(b))+"\n")
}

// body reads the JSON object of a request; an empty body is an empty object.
func (c *call) body(into any) error {
	b, err := io.ReadAll(c.Body)
	if err != nil {
		return err
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return nil
	}
	if err := c.declared("application/json"); err != nil {
		return err
	}
	if err := codec.UnmarshalStrict(b, into); err != nil {
		return badRequest{"the body is not what this call takes: " + err.Error(), "see " + Prefix + "/openapi.json"}
	}
	return nil
}

// declared returns an error when the body is not declared as of a media type.
func (c *call) declared(want string) error {
	if kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || kind != want {
		return badRequest{"the body is not declared as " + want, "send Content-Type: " + want}
	}
	return nil
}

// limit returns the parameter limit: how many entries of a list are returned.
func (c *call) limit() (int, error) {
	const standard, most = 50, 500
	text := c.URL.Query().Get("limit")
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badRequest{fmt.Sprintf("limit is %q", short(text)), fmt.Sprintf("write a number from 1 to %d", most)}
	}
	return n, nil
}

// short bounds a text of the request in an answer.
func short(text string) string { return display.Short(text, 100) }
