package auth

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// idToken is a token whose expiry is that of Google's.
func idToken(expires time.Time) string {
	body := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, expires.Unix()))
	return "aGVhZA." + body + ".c2lnbmF0dXJl"
}

// google is Google's token endpoint and metadata server.
type google struct {
	*httptest.Server
	form   url.Values
	asked  string
	flavor string
	status int
	body   string
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	g := &google{status: 200}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		g.form, g.asked, g.flavor = r.PostForm, r.URL.String(), r.Header.Get("Metadata-Flavor")
		w.WriteHeader(g.status)
		_, _ = w.Write([]byte(g.body))
	}))
	t.Cleanup(g.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(g.URL, "http://"))
	return g
}

func (g *google) key(t *testing.T) string {
	t.Helper()
	b, err := codec.Marshal(serviceAccount{Type: "service_account", Email: "pipe@acme.iam", Key: ecPEM(t), KeyID: "k1",
		TokenURI: g.URL + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func iapList(t *testing.T, s Settings, iap GoogleIAP, others ...Layer) *List {
	t.Helper()
	iap.Audience = "123.apps.googleusercontent.com"
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s.Layers, s.Fetch, s.Cloud = append(others, Layer{GoogleIAP: &iap}), transport, transport
	l, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestGoogleIAP(t *testing.T) {
	g := newGoogle(t)
	file := filepath.Join(t.TempDir(), "iap.json")
	write(t, file, g.key(t))
	token := idToken(time.Now().Add(time.Hour))
	for name, iap := range map[string]GoogleIAP{
		"a file": {CredentialsFile: file}, "a secret": {Credentials: config.NewSecret(g.key(t))}, "the machine": {},
	} {
		t.Run(name, func(t *testing.T) {
			g.body = `{"id_token":"` + token + `"}`
			if name == "the machine" {
				g.body = token + "\n"
			}
			var secrets redact.Redactor
			l := iapList(t, Settings{Redactor: &secrets}, iap)
			got, _, err := authorized(t, l)
			if err != nil || got != "Bearer "+token {
				t.Fatalf("%q, %v", got, err)
			}
			if expires := l.Layers()[0].Expires(); time.Until(expires) < 59*time.Minute {
				t.Errorf("expires %v", expires)
			}
			if strings.Contains(secrets.Clean(token), token[10:]) {
				t.Error("the redactor does not know the token")
			}
			if name == "the machine" {
				if g.flavor != "Google" || !strings.Contains(g.asked, "service-accounts/default/identity?audience=123.apps.") {
					t.Errorf("%s %s", g.flavor, g.asked)
				}
				return
			}
			claims := object(t, strings.Split(g.form.Get("assertion"), ".")[1])
			if claims["target_audience"] != "123.apps.googleusercontent.com" || claims["iss"] != "pipe@acme.iam" ||
				claims["aud"] != g.URL+"/token" || g.form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
				t.Errorf("%v", claims)
			}
		})
	}
}

// TestGoogleIAPHeader: the token makes way for another layer's Authorization.
func TestGoogleIAPHeader(t *testing.T) {
	g := newGoogle(t)
	g.body = idToken(time.Now().Add(time.Hour))
	bearer := Layer{Bearer: &Bearer{Token: config.NewSecret("token-of-backstage")}}
	for name, tc := range map[string]struct {
		l    *List
		want string
	}{
		"alone":            {iapList(t, Settings{}, GoogleIAP{}), "Authorization"},
		"with bearer":      {iapList(t, Settings{}, GoogleIAP{}, bearer), "Proxy-Authorization"},
		"with token":       {iapList(t, Settings{Token: config.NewSecret("token")}, GoogleIAP{}), "Proxy-Authorization"},
		"as the file says": {iapList(t, Settings{}, GoogleIAP{Header: "Proxy-Authorization"}), "Proxy-Authorization"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		if _, err := tc.l.Authorize(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		if r.Header.Get(tc.want) != "Bearer "+g.body {
			t.Errorf("%s: %v, want the token in %s", name, r.Header, tc.want)
		}
		if name == "with bearer" && r.Header.Get("Authorization") != "Bearer token-of-backstage" {
			t.Errorf("%s: %v", name, r.Header)
		}
	}
	if _, problems := decode(t,
		"auth:\n- google_iap: {audience: a, header: Authorization}\n- bearer: {token: '${T}'}\n"); len(
		problems) != 1 || !strings.Contains(problems[0], "3:3: google_iap and bearer both write the header Authorization") {
		t.Errorf("%q", problems)
	}
	if _, problems := decode(t, "auth:\n- google_iap: {audience: a}\n- bearer: {token: '${T}'}\n"); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
}

func TestGoogleIAPFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		credentials string
		status      int
		body        string
		class       fault.Class
		says        string
	}{
		"no machine of Google's": {"", 404, "", fault.Fatal, "answered 404"},
		"no token":               {"", 200, "{}", fault.Fatal, "gives no ID token"},
		"down":                   {"", 503, "", fault.Transient, "answered 503"},
		"no JSON":                {"canary-key", 200, "", fault.Fatal, "not the JSON key of a service account"},
		"a person's":             {`{"type":"authorized_user"}`, 200, "", fault.Fatal, "not the JSON key of a service account"},
		"no key": {`{"type":"service_account","client_email":"a","private_key":"canary-key"}`, 200, "", fault.Fatal,
			"not the PEM of a private key"},
		"refused":        {"good", 400, `{"error":"invalid_grant","error_description":"Account not found"}`, fault.Fatal, "invalid_grant Account not found"},
		"another answer": {"good", 200, `{"access_token":"x"}`, fault.Fatal, "gives no id_token"},
		"plain http": {`{"type":"service_account","client_email":"a","private_key":"KEY","token_uri":"http://a.example.com"}`, 200, "",
			fault.Fatal, "sent unencrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGoogle(t)
			g.status, g.body = tc.status, tc.body
			if tc.credentials == "good" {
				tc.credentials = g.key(t)
			}
			quoted := string(codec.Quote(nil, ecPEM(t)))
			tc.credentials = strings.Replace(tc.credentials, `"KEY"`, quoted, 1)
			_, _, err := authorized(t, iapList(t, Settings{}, GoogleIAP{Credentials: config.NewSecret(tc.credentials)}))
			if fault.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says) || fault.RemedyOf(err) == "" ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
		})
	}
}
