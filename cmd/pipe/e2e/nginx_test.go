package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// nginxKey is what the edge of TestNginx asks for.
const nginxKey = "key-of-the-edge-4d1f"

// TestNginx: nginx as a sign-in edge lets a run pass with the layers of auth that it asks for. Without them
// the message says that something asks people to sign in, and the sign-in page gets no request.
func TestNginx(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed: ", err)
	}
	const token = "token: ${BACKSTAGE_API_TOKEN:-}"
	ca, cert, key, _, _ := certificates(t)
	var signIns atomic.Int32
	login := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { signIns.Add(1) }))
	t.Cleanup(login.Close)
	verifier := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != nginxKey {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(verifier.Close)
	header := "auth:\n      - header: {name: X-Api-Key, value: '${EDGE_KEY}'}"
	for name, one := range map[string]struct {
		server  string // directives of the server, and of its location
		inside  string
		auth    string // in place of the token, which the edge adds
		refused string
		tls     bool
	}{
		"a header": {inside: "if ($http_x_api_key != \"" + nginxKey + "\") { return 302 " + login.URL + "/login; }",
			auth: header, refused: "another origin, which never gets the credentials: probably a sign-in proxy"},
		"a page of its own": {inside: "if ($http_x_api_key != \"" + nginxKey + "\") { return 302 /login; }",
			auth: header, refused: "redirects to /login, which is not part of this API"},
		"a page in place of an answer": {inside: "default_type text/html; if ($http_x_api_key != \"" + nginxKey +
			"\") { return 200 \"<html><title>Sign in</title></html>\"; }", auth: header,
			refused: "a sign-in proxy or a web frontend answers at this address"},
		"auth_request": {server: "location = /verify { internal; proxy_pass " + verifier.URL + "; }\n" +
			"location @login { return 302 https://accounts.google.com/o/oauth2/v2/auth; }\n",
			inside: "auth_request /verify; error_page 401 = @login;", auth: header,
			refused: "Google's Identity-Aware Proxy is in front of the server"},
		"a password": {inside: "auth_basic edge; auth_basic_user_file users;",
			auth: "auth:\n      - basic: {username: pipe, password: '${EDGE_KEY}'}", refused: "401"},
		"a client certificate": {server: "ssl_certificate " + cert + "; ssl_certificate_key " + key +
			"; ssl_client_certificate " + ca + "; ssl_verify_client optional;\n", tls: true,
			inside:  "if ($ssl_client_verify != SUCCESS) { return 302 " + login.URL + "/login; }",
			refused: "probably a sign-in proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSecretive(t)
			s.secrets = append(s.secrets, nginxKey)
			s.env["EDGE_KEY"] = nginxKey
			with, without := []string{token, one.auth}, []string{token, "token: ''"}
			if one.tls {
				const verify = "      verify: ${VERIFY_SSL:-true}\n"
				authority := "      ca_file: " + ca + "\n"
				with = []string{token, "token: ''", verify, authority + "      cert_file: " + cert + "\n      key_file: " +
					key + "\n"}
				without = append(without, verify, authority)
			}
			passes, refused := edited(t, with...), edited(t, without...)
			s.enter(t)
			adds := edgeTo(t, s.backstage.URL(), s.secrets[0], func(*http.Request) bool { return true }) // the token
			adds.Start()
			t.Cleanup(adds.Close)
			address := startNginx(t, program, one.server, one.inside+"\nproxy_pass "+adds.URL+";", one.tls)
			s.env["BACKSTAGE_BASE_URL"] = address
			for _, command := range []string{"doctor", "run"} {
				if c := s.call(t, command, passes); c.code != 0 {
					t.Errorf("%s: exit %d\n%s", command, c.code, c.both())
				}
				if c := s.call(t, command, refused); c.code == 0 || !strings.Contains(c.both(), one.refused) {
					t.Errorf("%s without the layer: exit %d, without %q\n%s", command, c.code, one.refused, c.both())
				}
			}
		})
	}
	if n := signIns.Load(); n > 0 {
		t.Errorf("the sign-in page got %d requests", n)
	}
}

// startNginx runs nginx with one server and returns its address.
func startNginx(t *testing.T, program, server, location string, tls bool) string {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	scheme, listen := "http://", address
	if tls {
		scheme, listen = "https://", address+" ssl"
	}
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	configuration := "daemon off;\nmaster_process off;\npid " + filepath.Join(dir, "pid") + ";\nevents {}\nhttp {\n" +
		"access_log off;\n" + temporary.String() + "server {\nlisten " + listen + ";\n" + server + "location / {\n" +
		location + "\n}\n}\n}\n"
	writeFile(t, filepath.Join(dir, "nginx.conf"), configuration)
	writeFile(t, filepath.Join(dir, "users"), "pipe:{PLAIN}"+nginxKey+"\n")
	var errs strings.Builder
	cmd := exec.CommandContext(t.Context(), program, "-p", dir, "-e", "stderr", "-c", "nginx.conf")
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Kill); <-ended })
	for late := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return scheme + address
		}
		select {
		case <-ended:
			t.Fatalf("nginx ended:\n%s", errs.String())
		default:
		}
		if time.Now().After(late) {
			t.Fatal("nginx does not answer")
		}
	}
}
