package vault

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// server answers as the HTTP API of Vault is documented: KV version 2, and the auth methods
// Kubernetes and AppRole.
type server struct {
	*httptest.Server

	mu       sync.Mutex
	prefix   string                    // the namespace with a slash behind it, or nothing
	secrets  map[string]map[string]any // by path below secret/data/
	deleted  []string                  // paths whose latest version was deleted
	tokens   map[string]bool           // valid ones
	denied   []string                  // paths that no policy allows
	jwt      string                    // of the service account
	secretID string
	lease    int
	sealed   int    // how many requests find Vault sealed
	raw      string // an answer in place of that of a read
	requests []string
	headers  []http.Header
	logins   int
}

func newServer(t *testing.T) *server {
	s := &server{secrets: map[string]map[string]any{
		"pipe/backstage": {"token": canary}, "pipe/two": {"a": canary + "a", "b": canary + "b"},
		"pipe/number": {"n": 5}, "pipe/empty": {"e": ""}, "pipe/line": {"l": canary + "\n"},
	}, deleted: []string{"pipe/gone"}, denied: []string{"pipe/closed"}, tokens: map[string]bool{"hvs.fixed-token": true},
		jwt: "eyJ.service.account", secretID: "the-secret-id"}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// with changes the server while requests may come.
func (s *server) with(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func refuse(w http.ResponseWriter, status int, texts ...string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	send(w, map[string]any{"errors": texts})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	send(w, v)
}

func send(w io.Writer, v any) {
	text, err := codec.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(text)
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.EscapedPath())
	s.headers = append(s.headers, r.Header.Clone())
	if s.sealed > 0 {
		s.sealed--
		refuse(w, http.StatusServiceUnavailable, "Vault is sealed")
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/"+s.prefix)
	switch {
	case !ok || r.Header.Get("X-Vault-Request") != "true":
		refuse(w, http.StatusNotFound)
	case r.Method == http.MethodPost && path == "auth/kubernetes/login":
		s.login(w, r, "jwt", s.jwt, "permission denied", http.StatusForbidden)
	case r.Method == http.MethodPost && path == "auth/approle/login":
		s.login(w, r, "secret_id", s.secretID, "invalid role or secret ID", http.StatusBadRequest)
	case strings.HasPrefix(path, "auth/"):
		refuse(w, http.StatusNotFound, "no handler for route \""+path+"\". route entry not found.")
	case r.Method == http.MethodGet:
		s.read(w, r, path)
	default:
		refuse(w, http.StatusMethodNotAllowed)
	}
}

func (s *server) login(w http.ResponseWriter, r *http.Request, field, want, denial string, status int) {
	var asked map[string]string
	body, _ := io.ReadAll(r.Body)
	if codec.Unmarshal(body, &asked) != nil || asked[field] != want || asked["role"]+asked["role_id"] != "pipe" {
		refuse(w, status, denial+" "+asked[field]) // no error may repeat it
		return
	}
	s.logins++
	token := fmt.Sprintf("hvs.login-token-%d", s.logins)
	s.tokens[token] = true
	answer(w, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": s.lease, "renewable": true}})
}

func (s *server) read(w http.ResponseWriter, r *http.Request, path string) {
	token := r.Header.Get(tokenHeader)
	path, ok := strings.CutPrefix(path, "secret/data/")
	switch {
	case !s.tokens[token]:
		refuse(w, http.StatusForbidden, "2 errors occurred:\n\t* permission denied\n\t* invalid token "+token+"\n\n")
	case slices.Contains(s.denied, path):
		refuse(w, http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n")
	case s.raw != "":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, s.raw)
	case slices.Contains(s.deleted, path):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprintf(w, `{"data":{"data":null,"metadata":{"deletion_time":%q,"destroyed":false,"version":2}}}`,
			time.Now().Format(time.RFC3339Nano))
	case !ok || s.secrets[path] == nil:
		refuse(w, http.StatusNotFound)
	default:
		answer(w, map[string]any{"data": map[string]any{"data": s.secrets[path],
			"metadata": map[string]any{"version": 1, "destroyed": false, "deletion_time": ""}}})
	}
}
