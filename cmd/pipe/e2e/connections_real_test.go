//go:build backstage

package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// identity is the OpenID provider that the real Backstage trusts, with a gateway that
// verifies AWS signatures.
type identity struct {
	issuer, gateway string
	keyFile         string // of the client pipe-key
}

// startIdentity runs npm's oidc-provider at the port that Backstage was started for, with more
// variables.
func startIdentity(t *testing.T, r real, env ...string) identity {
	t.Helper()
	home, port := os.Getenv("IDENTITY_HOME"), os.Getenv("IDENTITY_PORT")
	if home == "" || port == "" {
		t.Skip("IDENTITY_HOME and IDENTITY_PORT are not set: there is no OpenID provider to start")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: ", err)
	}
	script, err := filepath.Abs("testdata/identity/provider.mjs")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(home, "provider.mjs") // node looks for packages in the folder of the script
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gatewayPort := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	raw, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	cmd := exec.CommandContext(t.Context(), node, copied)
	cmd.Env = append(os.Environ(), "PORT="+port, "GATEWAY_PORT="+gatewayPort, "TARGET="+r.url,
		"TARGET_TOKEN="+r.env["BACKSTAGE_API_TOKEN"],
		fmt.Sprintf(`AWS_KEYS={"%s":{"secret":"%s","token":"%s"}}`, roleKeyID, roleSecret, roleToken),
		fmt.Sprintf(`PUBLIC_KEY={"kty":"EC","crv":"P-256","x":"%s","y":"%s","kid":"k1","use":"sig"}`, b64(raw[1:33]), b64(raw[33:])))
	cmd.Env = append(cmd.Env, env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the provider says %q, %v\n%s", line, err, errs.String())
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{issuer: "http://127.0.0.1:" + port, gateway: "http://127.0.0.1:" + gatewayPort,
		keyFile: write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))}
}

// TestRealBackstageConnections: a run reads the whole catalog of a real Backstage in each
// way that a company lets a program in.
func TestRealBackstageConnections(t *testing.T) {
	r := realBackstage(t, "BACKSTAGE_TOKEN")
	id := startIdentity(t, r)
	const token = "token: ${BACKSTAGE_API_TOKEN:-}\n"
	const address = "url: ${BACKSTAGE_BASE_URL}\n"
	audience := os.Getenv("IDENTITY_AUDIENCE")
	oauth2 := func(client, proof, resource string) string {
		return fmt.Sprintf("      - oauth2:\n          issuer: %s\n          client_id: %s\n          %s\n"+
			"          resource: %s\n",
			id.issuer, client, proof, resource)
	}
	basic := oauth2("pipe", "client_secret: ${IDP_SECRET}", audience)
	r.env["IDP_SECRET"], r.env["EGRESS_PASSWORD"] = "secret of pipe/+ %", "egress-password"

	const edgeToken = "aGVhZA.e30.c2lnbmF0dXJl"
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, edgeToken)
	}))
	t.Cleanup(metadata.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(metadata.URL, "http://"))
	iap := edgeTo(t, r.url, "", func(r *http.Request) bool {
		return r.Header.Get("Proxy-Authorization") == "Bearer "+edgeToken
	})
	iap.Start()
	t.Cleanup(iap.Close)

	ca, cert, key, pair, pool := certificates(t)
	mutual := edgeTo(t, r.url, "", func(r *http.Request) bool { return len(r.TLS.PeerCertificates) == 1 })
	mutual.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert}
	mutual.StartTLS()
	t.Cleanup(mutual.Close)
	files := []string{"--set", "@source.tls.ca_file=" + ca, "--set", "@source.tls.cert_file=" + cert, "--set",
		"@source.tls.key_file=" + key}
	roles(t)

	for name, tc := range map[string]struct {
		url, block string
		says       string // of the failure; "" is success
	}{
		"oauth2": {r.url, "auth:\n" + basic, ""},
		"oauth2, posted": {r.url,
			"auth:\n" + oauth2("pipe-post", "client_secret: posted-secret\n          client_auth: post", audience), ""},
		"oauth2, key": {r.url,
			"auth:\n" + oauth2("pipe-key", "private_key: ${file:"+id.keyFile+"}\n          private_key_id: k1", audience), ""},
		"another audience": {r.url, "auth:\n" + oauth2("pipe", "client_secret: ${IDP_SECRET}", "https://other.example.com"),
			"401"},
		"wrong secret": {r.url, "auth:\n" + oauth2("pipe", "client_secret: x${IDP_SECRET}", audience),
			"invalid_client"},
		"oauth2 inside IAP": {iap.URL, "auth:\n      - google_iap: {audience: x}\n" + basic, ""},
		"IAP without it":    {iap.URL, "auth:\n" + basic, "Google's Identity-Aware Proxy"},
		"mutual TLS":        {mutual.URL, token, ""},
		"a CONNECT proxy": {mutual.URL,
			token + "    proxy:\n      url: " + connectProxy(t).URL +
				"\n      username: pipe\n      password: ${EGRESS_PASSWORD}\n", ""},
		"proxy, no password": {mutual.URL, token + "    proxy: " + connectProxy(t).URL + "\n",
			"the proxy requires credentials"},
		"SigV4": {id.gateway, "auth:\n      - aws_sigv4:\n          region: eu-west-1\n          assume_role:\n" +
			"            arn: arn:aws:iam::222222222222:role/reader\n            external_id: acme-42\n", ""},
		"SigV4, external id": {id.gateway,
			"auth:\n      - aws_sigv4:\n          region: eu-west-1\n          assume_role:\n" +
				"            arn: arn:aws:iam::222222222222:role/reader\n            external_id: other\n", "external_id"},
	} {
		t.Run(name, func(t *testing.T) {
			path := edited(t, address, "url: "+tc.url+"\n", token, tc.block)
			more := []string{path}
			if tc.url == mutual.URL {
				more = append(more, files...)
			}
			c := pipe(t, r.env,
				append([]string{"run", "--full", "--set", "@sink.requests_per_second=0", "--set", "@source.retries.attempts=2",
					"--log-level", "debug"}, more...)...)
			if tc.says != "" {
				if c.code == int(job.Done) || !strings.Contains(c.both(), tc.says) {
					t.Errorf("exit %d, want %q\n%s", c.code, tc.says, c.both())
				}
			} else if c.code != int(job.Done) {
				t.Fatalf("exit %d\n%s", c.code, c.both())
			}
			for _, secret := range []string{r.env["IDP_SECRET"], "posted-secret", "egress-password", roleSecret, roleToken,
				edgeToken,
				"BEGIN PRIVATE"} {
				if strings.Contains(c.both(), secret) {
					t.Errorf("%s shows", secret)
				}
			}
			if shown := anyJWT.FindString(c.both()); shown != "" { // Backstage's cursors begin with eyJ, too
				t.Errorf("a token shows: %s", shown)
			}
			d := pipe(t, r.env, append([]string{"doctor", "--json", "--set", "@source.retries.attempts=1"}, more...)...)
			if source := strings.Split(d.stdout, `"glean"`)[0]; strings.Contains(source, `"ok": false`) != (tc.says != "") {
				t.Errorf("doctor:\n%s", d.both())
			}
		})
	}
}

// anyJWT is a token with a header, a payload and a signature.
var anyJWT = regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}`)

// connectProxy is a CONNECT proxy with a password.
func connectProxy(t *testing.T) *httptest.Server {
	t.Helper()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("pipe:egress-password"))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != want || r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		to, err := net.Dial("tcp", r.RequestURI)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(to, conn); _ = to.Close() }()
		_, _ = io.Copy(conn, to)
		_ = conn.Close()
	}))
	t.Cleanup(s.Close)
	return s
}
