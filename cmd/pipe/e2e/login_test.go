package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/secret/store"
)

const signInAccess = "canary-of-the-access/8f14e45f"

var signInSecrets = []string{signInAccess, "canary-of-the-refresh", "canary-of-the-device"}

// signInProvider is an identity provider with the device flow. Each refresh token is taken
// once.
type signInProvider struct {
	*httptest.Server
	next     atomic.Value // the refresh token that is good
	given    atomic.Int32
	requests atomic.Int32
	answer   atomic.Value // in place of the tokens for a code: its error code
	endpoint atomic.Value // of tokens, in the metadata
}

func startSignIn(t *testing.T) *signInProvider {
	t.Helper()
	p := &signInProvider{}
	tokens := func(w http.ResponseWriter) {
		p.next.Store(fmt.Sprintf("canary-of-the-refresh-%d", p.given.Add(1)))
		inJSONWith(w, map[string]any{"access_token": signInAccess, "token_type": "Bearer", "expires_in": 300,
			"refresh_token": p.next.Load()})
	}
	refuse := func(w http.ResponseWriter, r *http.Request, code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		inJSONWith(w, map[string]any{"error": code, "error_description": r.PostForm.Encode()})
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		_ = r.ParseForm()
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			inJSONWith(w, map[string]any{"issuer": p.URL, "token_endpoint": p.endpoint.Load(),
				"device_authorization_endpoint": p.URL + "/device"})
		case "/device":
			inJSONWith(w, map[string]any{"device_code": "canary-of-the-device", "user_code": "WDJB-MJHT",
				"verification_uri": p.URL + "/code", "verification_uri_complete": p.URL + "/code?user_code=WDJB-MJHT",
				"expires_in": 60, "interval": 1})
		case "/token":
			code, _ := p.answer.Load().(string)
			switch {
			case code != "":
				refuse(w, r, code)
			case r.PostForm.Get("device_code") == "canary-of-the-device",
				r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("refresh_token") == p.next.Load():
				tokens(w)
			default:
				p.next.Store("")
				refuse(w, r, "invalid_grant")
			}
		}
	}))
	t.Cleanup(p.Close)
	p.endpoint.Store(p.URL + "/token")
	p.next.Store("canary-of-the-refresh-0")
	return p
}

// storeOf moves the store of a pipeline to a folder of its own and creates it.
func storeOf(t *testing.T, text string) (string, *store.Store) {
	t.Helper()
	identity, err := store.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secrets.age")
	place, err := store.New(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := place.Create(nil); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"file: secrets.age": "file: " + path,
		"${file:secrets.key}": "${file:" + write(t, "secrets.key", identity+"\n") + "}"} {
		if !strings.Contains(text, from) {
			t.Fatalf("the pipeline has no %s", from)
		}
		text = strings.Replace(text, from, to, 1)
	}
	return text, place
}

// signInFile is the shipped pipeline whose source needs the sign-in of a person.
func signInFile(t *testing.T, issuer string) (string, *store.Store) {
	t.Helper()
	text := read(t, edited(t, "token: ${BACKSTAGE_API_TOKEN:-}\n", "auth:\n      - oauth2:\n          issuer: "+issuer+
		"\n          client_id: pipe\n          refresh_token: ${secret:portal-login}\n          scope: offline_access\n"))
	text, place := storeOf(t, text+"\nsecrets:\n  store: {file: secrets.age, identity: '${file:secrets.key}'}\n")
	return write(t, "pipeline.yaml", text), place
}

// TestLogin: a person signs in and runs with it. Without a terminal no command uses the
// sign-in, and none makes a request. No token shows.
func TestLogin(t *testing.T) {
	p := startSignIn(t)
	s := newSecretive(t)
	file, place := signInFile(t, p.URL)
	s.enter(t)
	s.secrets = append(s.secrets, signInSecrets...)
	var asked atomic.Int32
	edge := edgeTo(t, s.backstage.URL(), s.secrets[0], bearerIs(signInAccess),
		func(http.ResponseWriter, *http.Request) bool { asked.Add(1); return false })
	edge.Start()
	t.Cleanup(edge.Close)
	s.env["BACKSTAGE_BASE_URL"] = edge.URL
	earlier := filepath.Join(t.TempDir(), "out")
	pipe(t, s.env, "run", "--sandbox", "--dry-run", "--output", earlier, file).expect(t, 0)
	commands := [][]string{{"run", "--full", file}, {"run", "--dry-run", file}, {"doctor", file},
		{"diff", "--against", earlier, file}, {"explain", file, "fraud-scorer"}, {"show", file, "components"}}

	s.person = true
	for _, call := range commands[:2] {
		s.call(t, call...).expect(t, int(job.Wrong), "not signed in yet", "pipe login ", file, "pipeline.yaml:")
	}
	s.call(t, "check", file).expect(t, 0)
	if p.requests.Load() > 0 || asked.Load() > 0 {
		t.Fatal("a request was made before anyone signed in")
	}

	s.call(t, "login", file, "--log-level", "debug").expect(t, 0, p.URL+"/code\n", "WDJB-MJHT\n",
		p.URL+"/code?user_code=WDJB-MJHT", "source.backstage.auth.0.oauth2", "portal-login, for "+p.URL+"\n")
	s.call(t, "secret", "list", file).expect(t, 0, "portal-login", p.URL)

	s.person = false
	before := p.requests.Load()
	for _, call := range append(commands, []string{"check", "--secrets", file}) {
		s.call(t, call...).expect(t, int(job.Wrong), "the sign-in of a person is used in a terminal only", "nightly",
			"client_assertion_file", "pipeline.yaml:")
	}
	s.call(t, "check", file).expect(t, 0)
	if p.requests.Load() > before || asked.Load() > 0 {
		t.Error("a request was made without a terminal")
	}

	s.person = true
	for _, call := range commands {
		c := s.call(t, append(call, "--log-level", "debug")...)
		if c.code != int(job.Done) && (call[0] != "diff" || c.code != int(job.Changes)) {
			t.Errorf("%v: exit %d\n%s", call, c.code, c.both())
		}
	}
	if last, err := place.Get("portal-login"); err != nil || last.Text != p.next.Load() || last.Origins[0] != p.URL {
		t.Error("the store does not have the last refresh token", err)
	}

	p.endpoint.Store("http://127.0.0.1:1/token") // the issuer's metadata now names another server
	s.call(t, "run", file).expect(t, int(job.Wrong), "may only be sent to "+p.URL, "sends it to http://127.0.0.1:1",
		"pipe login ", file)
	p.endpoint.Store(p.URL + "/token")
	p.next.Store("another") // someone withdraws the sign-in
	s.call(t, "run", file).expect(t, int(job.Failed), "the sign-in has expired or was withdrawn", "pipe login ", file)
	s.call(t, "doctor", file).expect(t, int(job.Failed), "the sign-in has expired or was withdrawn", "pipe login ", file)

	for code, says := range map[string]string{"access_denied": "the sign-in was refused",
		"expired_token":          "the code has expired",
		"unsupported_grant_type": "allow the client the grant urn:ietf:params:oauth:grant-type:device_code"} {
		p.answer.Store(code)
		s.call(t, "login", "--json", file).expect(t, int(job.Failed), says, `"ok": false`)
	}
	p.answer.Store("")
	s.call(t, "login", "--json", file).expect(t, 0, `"name": "portal-login"`)
}

// TestLoginNames: a file with several sign-ins, or none.
func TestLoginNames(t *testing.T) {
	p := startSignIn(t)
	file, _ := signInFile(t, p.URL)
	w := newSecretive(t)
	env := w.env
	pipe(t, env, "login", file, "--name", "other").expect(t, int(job.Wrong), "uses no sign-in other", "portal-login")
	pipe(t, env, "login", w.plain).expect(t, int(job.Wrong), "the file uses no sign-in of a person", "refresh_token")
	layer := "    auth:\n      - oauth2: {issuer: '" + p.URL + "', client_id: pipe, " +
		"refresh_token: '${secret:index-login}', header: Proxy-Authorization}\n"
	const sinkToken = "    token: ${GLEAN_INDEXING_API_KEY}\n"
	text := read(t, file)
	two := write(t, "two.yaml", strings.Replace(text, sinkToken, sinkToken+layer, 1))
	pipe(t, env, "login", two).expect(t, 0, "portal-login, for", "index-login, for")
	pipe(t, env, "login", two, "--name", "index-login").expect(t, 0, "index-login, for", "!portal-login, for")
	shared := write(t, "shared.yaml", strings.Replace(read(t, two), "index-login", "portal-login", 1))
	pipe(t, env, "login", shared).expect(t, 0, "source.backstage.auth.0.oauth2, sink.glean.auth.0.oauth2")
	other := write(t, "other.yaml", strings.Replace(read(t, shared), "client_id: pipe,", "client_id: other,", 1))
	pipe(t, env, "login", other).expect(t, int(job.Wrong), "share the sign-in portal-login, but not the client")
}
