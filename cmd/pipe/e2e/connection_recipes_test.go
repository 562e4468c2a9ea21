package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/secret/store"
)

const connectionsPage = "../../../pipelines/connections.md"

const (
	roleKeyID  = "AKIDROLE"
	roleSecret = "secret/of+the+role"
	roleToken  = "session-token-of-the-role"
)

// through returns a transport for one test: closing any test server closes connections of the
// default one.
func through(t *testing.T) *http.Transport {
	one := &http.Transport{}
	t.Cleanup(one.CloseIdleConnections)
	return one
}

// edgeTo passes on the requests that let accepts, without the headers that are for the edge,
// and with a token of its own when there is one. It sends all others to a sign-in page.
// first may answer in its place.
func edgeTo(t *testing.T, target, token string, let func(*http.Request) bool,
	first ...func(http.ResponseWriter, *http.Request) bool) *httptest.Server {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: through(t), ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.Out.Header.Del("Proxy-Authorization")
			if token != "" {
				p.Out.Header.Set("Authorization", "Bearer "+token)
			}
		}}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, answers := range first {
			if answers(w, r) {
				return
			}
		}
		if !let(r) {
			w.Header().Set("Location", "https://accounts.google.com/o/oauth2/v2/auth")
			w.WriteHeader(http.StatusFound)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// certificates are an authority's certificate and one for 127.0.0.1 with its key, as files.
func certificates(t *testing.T) (ca, cert, key string, pair tls.Certificate, pool *x509.CertPool) {
	t.Helper()
	make := func(template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template.SerialNumber, template.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour)
		template.NotAfter = time.Now().Add(time.Hour)
		if parent == nil {
			parent, by = template, own
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return parsed, own, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	authority, authorityKey, caPEM := make(&x509.Certificate{Subject: pkix.Name{CommonName: "company"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	_, own, certPEM := make(&x509.Certificate{Subject: pkix.Name{CommonName: "edge"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, authority, authorityKey)
	der, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if pair, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(authority)
	return write(t, "ca.pem", string(caPEM)), write(t, "cert.pem", string(certPEM)), write(t, "key.pem", string(keyPEM)),
		pair, pool
}

// roles is an STS that knows one role, by its external ID.
func roles(t *testing.T) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("Content-Type", "text/xml")
		if r.PostForm.Get("ExternalId") != "acme-42" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w,
				"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
			return
		}
		fmt.Fprintf(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s"+
			"</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult>"+
			"</AssumeRoleResponse>", roleKeyID, roleSecret, roleToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(s.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL_STS": s.URL, "AWS_ACCESS_KEY_ID": "AKIDOWN",
		"AWS_SECRET_ACCESS_KEY": "own", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": "", "AWS_PROFILE": ""} {
		t.Setenv(name, value)
	}
}

// recipeEdge is a server in front of Backstage for one recipe: what it accepts, and what
// makes the text of the recipe that of this machine.
type recipeEdge struct {
	let     func(*http.Request) bool
	prepare func(t *testing.T, s *secretive, text string) string
}

const (
	edgeSecret = `canary-of-the-edge/8f14e45f`
	edgeToken  = "aGVhZA.e30.canary0ofthemachine"
)

func bearerIs(token string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token }
}

// provider is an identity provider that gives one token to every client that knows accepts.
func provider(t *testing.T, knows func(*http.Request) bool) string {
	t.Helper()
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		switch {
		case r.URL.Path == "/.well-known/openid-configuration":
			inJSONWith(w, map[string]any{"issuer": s.URL, "token_endpoint": s.URL + "/token"})
		case !knows(r):
			w.WriteHeader(http.StatusUnauthorized)
			inJSONWith(w, map[string]any{"error": "invalid_client", "error_description": r.PostForm.Encode()})
		default:
			inJSONWith(w, map[string]any{"access_token": edgeSecret, "expires_in": 300})
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const issuerOfRecipe = "https://login.example.com"

var connectionRecipes = map[string]recipeEdge{
	"An identity provider": {bearerIs(edgeSecret), func(t *testing.T, s *secretive, text string) string {
		s.env["IDP_CLIENT_SECRET"] = canary("client")
		s.secrets = append(s.secrets, canary("client"))
		return strings.Replace(text, issuerOfRecipe, provider(t, func(r *http.Request) bool {
			_, secret, _ := r.BasicAuth()
			secret, _ = url.QueryUnescape(secret)
			return secret == canary("client") && r.PostForm.Get("audience") == "backstage-api"
		}), 1)
	}},
	"Without a secret: Kubernetes": {bearerIs(edgeSecret), func(t *testing.T, s *secretive, text string) string {
		assertion := "canary-of-the-account/8f14e45f"
		s.secrets = append(s.secrets, assertion)
		text = strings.Replace(text, "/var/run/secrets/tokens/idp", write(t, "idp", assertion), 1)
		return strings.Replace(text, issuerOfRecipe, provider(t, func(r *http.Request) bool {
			return r.PostForm.Get("client_assertion") == assertion && r.PostForm.Get("scope") == "api://backstage/.default"
		}), 1)
	}},
	"Without a secret: a private key": {bearerIs(edgeSecret), func(t *testing.T, s *secretive, text string) string {
		_, _, key, _, _ := certificates(t)
		s.secrets = append(s.secrets, read(t, key))
		text = strings.Replace(text, "/etc/pipe/idp.pem", key, 1)
		return strings.Replace(text, issuerOfRecipe, provider(t, func(r *http.Request) bool {
			s.secrets = append(s.secrets, r.PostForm.Get("client_assertion"))
			return strings.Count(r.PostForm.Get("client_assertion"), ".") == 2
		}), 1)
	}},
	"A person at a laptop": {bearerIs(signInAccess), func(t *testing.T, s *secretive, text string) string {
		p := startSignIn(t)
		s.person, s.secrets = true, append(s.secrets, signInSecrets...)
		text = strings.Replace(text, issuerOfRecipe, p.URL, 1)
		text, place := storeOf(t, text)
		if _, err := place.Set("portal-login", p.next.Load().(string), []string{p.URL}, false); err != nil {
			t.Fatal(err)
		}
		return text
	}},
	"Legacy keys": {func(r *http.Request) bool {
		return strings.Count(r.Header.Get("Authorization"), ".") == 2
	}, func(t *testing.T, s *secretive, text string) string {
		s.env["BACKSTAGE_KEY"] = base64.StdEncoding.EncodeToString([]byte(canary("key")))
		s.secrets = append(s.secrets, canary("key"))
		return text
	}},
	"Google IAP": {func(r *http.Request) bool { return r.Header.Get("Proxy-Authorization") == "Bearer "+edgeToken },
		func(t *testing.T, s *secretive, text string) string {
			metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, edgeToken)
			}))
			t.Cleanup(metadata.Close)
			t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(metadata.URL, "http://"))
			s.secrets = append(s.secrets, edgeToken)
			return text
		}},
	"Cloudflare Access": {func(r *http.Request) bool {
		return r.Header.Get("CF-Access-Client-Id") == "1234abcd.access" &&
			r.Header.Get("CF-Access-Client-Secret") == edgeSecret
	}, func(t *testing.T, s *secretive, text string) string {
		s.env["CF_ACCESS_SECRET"] = edgeSecret
		return text
	}},
	"AWS IAM": {func(r *http.Request) bool {
		return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+roleKeyID+"/") &&
			r.Header.Get("X-Amz-Security-Token") == roleToken
	}, func(t *testing.T, s *secretive, text string) string {
		roles(t)
		s.secrets = append(s.secrets, roleSecret, roleToken)
		return text
	}},
	"A gateway with a password and a key": {func(r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		return user == "pipe" && password == canary("password") && r.Header.Get("X-Api-Key") == edgeSecret
	}, func(t *testing.T, s *secretive, text string) string {
		s.env["GATEWAY_PASSWORD"], s.env["GATEWAY_KEY"] = canary("password"), edgeSecret
		s.secrets = append(s.secrets, canary("password"))
		return text
	}},
	"Mutual TLS": {func(r *http.Request) bool {
		return len(r.TLS.PeerCertificates) == 1 && bearerIs(canary("source"))(r)
	}, func(t *testing.T, s *secretive, text string) string { return text }},
	"A proxy": {bearerIs(canary("source")), func(t *testing.T, s *secretive, text string) string {
		s.env["EGRESS_PASSWORD"] = canary("egress")
		s.secrets = append(s.secrets, canary("egress"))
		forward := &httputil.ReverseProxy{Transport: through(t), Rewrite: func(*httputil.ProxyRequest) {}}
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			want := "Basic " + base64.StdEncoding.EncodeToString([]byte("pipe:"+canary("egress")))
			if r.Header.Get("Proxy-Authorization") != want {
				w.WriteHeader(http.StatusProxyAuthRequired)
				return
			}
			forward.ServeHTTP(w, r)
		}))
		t.Cleanup(proxy.Close)
		return strings.Replace(text, "http://egress.example.com:3128", proxy.URL, 1)
	}},
	"One of several addresses": {func(r *http.Request) bool { return strings.HasPrefix(r.RemoteAddr, "127.0.0.2:") },
		func(t *testing.T, s *secretive, text string) string {
			l, err := net.Listen("tcp", "127.0.0.2:0")
			if err != nil {
				t.Skip("this system has one loopback address alone: ", err)
			}
			_ = l.Close()
			return strings.Replace(text, "local_address: 10.1.2.3", "local_address: 127.0.0.2", 1)
		}},
	"Behind another Backstage": {func(r *http.Request) bool {
		r.URL.Path, _ = strings.CutPrefix(r.URL.Path, "/api/proxy/internal-backstage")
		return strings.HasPrefix(r.URL.Path, "/api/catalog/")
	}, func(t *testing.T, s *secretive, text string) string {
		return strings.Replace(text, "https://portal.example.com", s.env["BACKSTAGE_BASE_URL"], 1)
	}},
	plainHTTP: {bearerIs(canary("source")), func(t *testing.T, s *secretive, text string) string {
		return strings.Replace(text, clusterAddress, s.env["BACKSTAGE_BASE_URL"], 1)
	}},
	"Roadie": {bearerIs(edgeSecret), func(t *testing.T, s *secretive, text string) string {
		s.env["ROADIE_API_TOKEN"] = edgeSecret
		text = strings.Replace(text, "https://acme.roadie.so", s.backstage.URL(), 1)
		return strings.Replace(text, "    preset: roadie\n", "    preset: roadie\n    url: ${BACKSTAGE_BASE_URL}\n",
			1)
	}},
}

// TestConnectionRecipes (invariant 6): each recipe of the page is a change of the shipped
// pipeline that checks without a warning, and passes a server that asks for what the recipe
// sends. No credential shows, whatever the server answers.
func TestConnectionRecipes(t *testing.T) {
	found := map[string]string{}
	for name, section := range sections(read(t, connectionsPage), "##") {
		if all := blocks(section, "diff"); len(all) > 0 {
			found[name] = all[0]
		}
	}
	if len(found) != len(connectionRecipes) {
		t.Errorf("%d recipes, %d tests of one", len(found), len(connectionRecipes))
	}
	for name, change := range found {
		t.Run(name, func(t *testing.T) {
			recipe, ok := connectionRecipes[name]
			if !ok {
				t.Fatal("nothing tests this recipe")
			}
			s := newSecretive(t)
			text := patched(t, read(t, shipped), change)
			s.enter(t)
			file := filepath.Join(t.TempDir(), "backstage.yaml")
			writeFile(t, file, text)
			if strings.Contains(text, "${file:secrets.key}") {
				identity, err := store.NewIdentity()
				if err != nil {
					t.Fatal(err)
				}
				writeFile(t, filepath.Join(filepath.Dir(file), "secrets.key"), identity)
			}
			if name == "Roadie" {
				delete(s.env, "BACKSTAGE_BASE_URL") // no part of the file
			}
			if name == plainHTTP {
				delete(s.env, "BACKSTAGE_BASE_URL") // no part of the file
				testPlainHTTP(t, s, file, text)
			} else if c := s.call(t, "check", "--strict", file); c.code != 0 || strings.Contains(c.both(), "warning") {
				t.Fatalf("exit %d\n%s", c.code, c.both())
			}
			// A sandbox gets none of the credentials, and is not reached through the proxy.
			if c := pipe(t, map[string]string{"XDG_STATE_HOME": t.TempDir()}, "run", "--sandbox", file); c.code != 0 {
				t.Errorf("in a sandbox: exit %d\n%s", c.code, c.both())
			}
			edge := edgeTo(t, s.backstage.URL(), s.secrets[0], recipe.let, func(w http.ResponseWriter, r *http.Request) bool {
				spoil := s.source.spoil.Load()
				return spoil != nil && (*spoil)(w, r)
			})
			if name == "Mutual TLS" {
				ca, cert, key, pair, pool := certificates(t)
				edge.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool,
					ClientAuth: tls.RequireAndVerifyClientCert}
				edge.StartTLS()
				text = strings.NewReplacer("/etc/pipe/company-ca.pem", ca, "/etc/pipe/client.pem", cert,
					"/etc/pipe/client-key.pem", key).Replace(text)
			} else {
				edge.Start()
			}
			t.Cleanup(edge.Close)
			s.env["BACKSTAGE_BASE_URL"] = edge.URL
			s.secrets = append(s.secrets, edgeSecret)
			writeFile(t, file, recipe.prepare(t, s, text))
			run := append([]string{"run", "--full", file, "--progress", "plain"}, s.wordy("debug")...)
			if c := s.call(t, run...); c.code != 0 {
				t.Errorf("exit %d\n%s", c.code, c.both())
			}
			if name == "Mutual TLS" {
				path := filepath.Join(t.TempDir(), "pipe.prom")
				c := s.call(t, "run", file, "--metrics-file", path)
				if metrics := fileText(t, path); !strings.Contains(metrics,
					`pipe_client_certificate_expiry_timestamp_seconds{end="source",pipeline="backstage"}`) ||
					!strings.Contains(c.both(), "client.pem expires on") && !strings.Contains(c.both(), "cert.pem expires on") {
					t.Errorf("%s\n%s", metrics, c.both())
				}
			}
			s.call(t, "config", file, "--log-level", "debug")
			if c := s.call(t, "doctor", file, "--log-level", "debug"); c.code != 0 {
				t.Errorf("exit %d\n%s", c.code, c.both())
			}
			s.call(t, "check", "--json", file)
			for _, kind := range []string{"401", "a sign-in page"} {
				echo := echoes[kind]
				s.source.spoil.Store(&echo)
				s.call(t, append([]string{"run", file}, s.wordy("debug")...)...)
				s.source.spoil.Store(nil)
			}
		})
	}
}

const (
	plainHTTP      = "Plain http in a cluster"
	clusterAddress = "http://backstage.backstage.svc:7007"
)

// testPlainHTTP (invariant 6): insecure_http is a warning. Without it every command that uses the
// address ends with 2 and its position, also when the value of the token is not known.
func testPlainHTTP(t *testing.T, s *secretive, file, text string) {
	t.Helper()
	if c := s.call(t, "check", file); c.code != 0 || !strings.Contains(c.both(), "insecure_http is true") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	refused := file + ".refused.yaml"
	writeFile(t, refused, strings.Replace(text, "    insecure_http: true\n", "", 1))
	at := fmt.Sprintf(":%d:", strings.Count(text[:strings.Index(text, clusterAddress)], "\n")+1)
	for _, args := range [][]string{{"check", refused}, {"run", refused}, {"doctor", refused}} {
		c := s.call(t, args...)
		if c.code != 2 || !strings.Contains(c.both(), at) || !strings.Contains(c.both(), "would be sent unencrypted") {
			t.Errorf("%s: exit %d\n%s", args[0], c.code, c.both())
		}
	}
	token := s.env["BACKSTAGE_API_TOKEN"]
	delete(s.env, "BACKSTAGE_API_TOKEN")
	if c := s.call(t, "check", refused); c.code != 2 || !strings.Contains(c.both(), "would be sent unencrypted") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	s.env["BACKSTAGE_API_TOKEN"] = token
	anonymous := file + ".anonymous.yaml"
	writeFile(t, anonymous, strings.NewReplacer("    insecure_http: true\n", "",
		"token: ${BACKSTAGE_API_TOKEN}", "token: ${NONE:-}").Replace(text))
	if c := s.call(t, "check", "--strict", anonymous); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
