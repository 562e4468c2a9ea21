package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// verifySigV4 checks the signature of a request as the documentation of AWS Signature
// Version 4 says, without any code of the SDK. It returns what is wrong, "" for nothing.
func verifySigV4(r *http.Request, body []byte, host, secret string) string {
	head, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "no signature"
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(head, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = value
	}
	credential := strings.Split(fields["Credential"], "/")
	if len(credential) != 5 {
		return "no credential scope"
	}
	names := strings.Split(fields["SignedHeaders"], ";")
	if !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") || !slices.IsSorted(names) {
		return "host or x-amz-date is not signed"
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !slices.Contains(names, strings.ToLower(name)) {
			return name + " is not signed"
		}
	}
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = host
		case "content-length":
			value = fmt.Sprint(len(body))
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	hash := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	pairs := strings.Split(strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20"), "&")
	slices.Sort(pairs)
	query := strings.Join(pairs, "&")
	path := "" // each segment is encoded twice, with all but the unreserved characters
	for _, b := range []byte(r.URL.EscapedPath()) {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/", rune(b)) {
			path += string(b)
		} else {
			path += fmt.Sprintf("%%%02X", b)
		}
	}
	canonical := strings.Join([]string{r.Method, path, query, headers.String(), strings.Join(names, ";"), hash(body)},
		"\n")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), strings.Join(credential[1:], "/"),
		hash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, step := range append(slices.Clone(credential[1:]), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(step))
		key = mac.Sum(nil)
	}
	if hex.EncodeToString(key) != fields["Signature"] {
		return "the signature does not match"
	}
	return ""
}

// TestVerifier: the verifier of these tests accepts AWS's own published example
// (get-vanilla of the Signature Version 4 test suite), and the signer makes it.
func TestVerifier(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
		"SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	r := httptest.NewRequest(http.MethodGet, "https://example.amazonaws.com/", nil)
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", want)
	if wrong := verifySigV4(r, nil, "example.amazonaws.com", secret); wrong != "" {
		t.Error(wrong)
	}
	r.Header.Set("Authorization", strings.Replace(want, "5fa0", "5fa1", 1))
	if verifySigV4(r, nil, "example.amazonaws.com", secret) == "" {
		t.Error("another signature is accepted")
	}
	withKeys(t, "AKIDEXAMPLE", secret)
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	l := sigList(t, Settings{Now: func() time.Time { return at }}, AWSSigV4{Region: "us-east-1", Service: "service"})
	r = httptest.NewRequest(http.MethodGet, "https://example.amazonaws.com/", nil)
	if _, err := l.Authorize(t.Context(), r, nil); err != nil || r.Header.Get("Authorization") != want {
		t.Errorf("%v, signed %s", err, r.Header.Get("Authorization"))
	}
}

// withKeys gives the default chain keys, and nothing else of this machine.
func withKeys(t *testing.T, id, secret string) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_CA_BUNDLE", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", id)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
}

func sigList(t *testing.T, s Settings, a AWSSigV4, others ...Layer) *List {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s.CloudTransport, s.Layers = transport, append(Layers{{AWSSigV4: &a}}, others...)
	l, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const roleSecret = "canary/secret+of+the+role+session+key"

// fakeSTS assumes roles for those who know the external ID, and verifies their signature.
type fakeSTS struct {
	*httptest.Server
	mu      sync.Mutex
	actions []string
	forms   []url.Values
	life    time.Duration
	date    string
}

func newSTS(t *testing.T) *fakeSTS {
	t.Helper()
	s := &fakeSTS{life: time.Hour}
	const own = "wJalrXUtnFEMI"
	withKeys(t, "AKIDOWN", own)
	n := 0
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		action := form.Get("Action")
		s.actions, s.forms = append(s.actions, action), append(s.forms, form)
		if s.date != "" {
			w.Header().Set("Date", s.date)
		}
		refuse := func(status int, code, text string) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(status)
			fmt.Fprintf(w,
				"<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>",
				code, text)
		}
		if action != "AssumeRoleWithWebIdentity" {
			if wrong := verifySigV4(r, body, r.Host, own); wrong != "" {
				refuse(403, "SignatureDoesNotMatch", wrong)
				return
			}
		}
		w.Header().Set("Content-Type", "text/xml")
		switch {
		case action == "GetCallerIdentity":
			fmt.Fprintf(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111</Account>"+
				"</GetCallerIdentityResult></GetCallerIdentityResponse>")
		case strings.Contains(form.Get("RoleArn"), "222222222222") && form.Get("ExternalId") != "acme-42",
			action == "AssumeRoleWithWebIdentity" && form.Get("WebIdentityToken") != "projected-token":
			refuse(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")
		default:
			n++
			fmt.Fprintf(w, "<%sResponse><%sResult><Credentials><AccessKeyId>AKIDROLE%d</AccessKeyId><SecretAccessKey>%s"+
				"</SecretAccessKey><SessionToken>canary-session-token-%d</SessionToken><Expiration>%s</Expiration></Credentials>"+
				"</%sResult></%sResponse>", action, action, n, roleSecret, n, time.Now().Add(s.life).UTC().Format(time.RFC3339),
				action, action)
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", s.URL)
	return s
}

// gateway verifies signatures made with the role's key.
func gateway(t *testing.T, secret string) *httptest.Server {
	t.Helper()
	g := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if wrong := verifySigV4(r, body, r.Host, secret); wrong != "" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, wrong)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

// send makes a signed request and returns the answer's status and body.
func send(t *testing.T, l *List, method, address, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Encoding", "gzip")
	if _, err := l.Authorize(t.Context(), r, []byte(body)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	return resp.StatusCode, string(b)
}

// TestAWSSigV4: requests of every shape pass a gateway that verifies them.
func TestAWSSigV4(t *testing.T) {
	s := newSTS(t)
	g := gateway(t, roleSecret)
	var secrets redact.Redactor
	l := sigList(t, Settings{Redactor: &secrets}, AWSSigV4{Region: "eu-west-1", Service: "execute-api",
		AssumeRole: &AssumeRole{ARN: "arn:aws:iam::222222222222:role/reader", ExternalID: "acme-42", SessionName: "pipe",
			Duration: config.Duration(time.Hour)}},
		Layer{Header: &Header{Name: "X-Edge", Value: config.NewSecret("edge-secret")}},
		Layer{Header: &Header{Name: "X-Amz-Target", Value: config.NewSecret("Service.Action")}})
	for _, tc := range [][3]string{
		{"GET", "/", ""},
		{"GET", "/api/catalog/entities/by-query?limit=500&filter=kind%3Dcomponent&orderField=metadata.name,asc", ""},
		{"GET", "/api/a%20b/c%2Fd:e?filter=a+b&filter=%C3%BC&filter=", ""}, {"POST", "/api/x", `{"refs":["component:default/a"]}`},
	} {
		if status, body := send(t, l, tc[0], g.URL+tc[1], tc[2]); status != 200 {
			t.Errorf("%s: %d %s", tc[:2], status, body)
		}
	}
	if got := secrets.Clean(roleSecret + " canary-session-token-1"); strings.Contains(got, "canary") {
		t.Errorf("the redactor does not know the session: %s", got)
	}
	if n := len(s.actions); n != 1 || s.forms[0].Get("RoleSessionName") != "pipe" ||
		s.forms[0].Get("DurationSeconds") != "3600" {
		t.Errorf("%v %v", s.actions, s.forms)
	}
	if last := l.Layers()[2]; last.Name != "auth.0.aws_sigv4" || last.Expires().IsZero() {
		t.Errorf("the signature is not the last layer: %s, %v", last.Name, last.Expires())
	}
	r := httptest.NewRequest(http.MethodGet, g.URL, nil)
	used, err := l.Authorize(t.Context(), r, nil)
	if changed, renewErr := l.Renew(t.Context(), used); !changed || err != nil || renewErr != nil || len(s.actions) != 2 {
		t.Error("a refused session is not replaced", changed, err, renewErr, s.actions)
	}
}

// TestAWSSessionIsRenewed: a session is replaced before it ends.
func TestAWSSessionIsRenewed(t *testing.T) {
	s := newSTS(t)
	s.life = 50 * time.Second
	l := sigList(t, Settings{}, AWSSigV4{Region: "eu-west-1", Service: "execute-api",
		AssumeRole: &AssumeRole{ARN: "arn:aws:iam::111111111111:role/reader", SessionName: "pipe",
			Duration: config.Duration(time.Hour)}})
	for range 2 {
		if _, _, err := authorized(t, l); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"GetCallerIdentity", "AssumeRole", "GetCallerIdentity", "AssumeRole"}; !slices.Equal(s.actions,
		want) {
		t.Errorf("%v, want %v", s.actions, want)
	}
}

func TestAWSWebIdentity(t *testing.T) {
	s := newSTS(t)
	g := gateway(t, roleSecret)
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "projected-token")
	role := AssumeRole{ARN: "arn:aws:iam::333333333333:role/reader", SessionName: "pipe",
		Duration:     config.Duration(time.Hour),
		IdentityFile: path}
	l := sigList(t, Settings{}, AWSSigV4{Region: "eu-west-1", Service: "execute-api", AssumeRole: &role})
	if status, body := send(t, l, "GET", g.URL+"/x", ""); status != 200 || s.actions[0] != "AssumeRoleWithWebIdentity" {
		t.Errorf("%d %s %v", status, body, s.actions)
	}
}

func TestAWSFaults(t *testing.T) {
	role := func(account, external string) *AssumeRole {
		return &AssumeRole{ARN: "arn:aws:iam::" + account + ":role/reader", ExternalID: external, SessionName: "pipe",
			Duration: config.Duration(time.Hour)}
	}
	for name, tc := range map[string]struct {
		a            AWSSigV4
		prepare      func(s *fakeSTS)
		class        fault.Class
		says, remedy string
	}{
		"wrong external id": {AWSSigV4{Region: "eu-west-1", AssumeRole: role("222222222222", "other")}, nil, fault.Fatal,
			"AWS answered AccessDenied", "external_id"},
		"another account without one": {AWSSigV4{Region: "eu-west-1", AssumeRole: role("222222222222", "")}, nil, fault.Fatal,
			"the role is of the account 222222222222, the credentials are of 111111111111, and external_id is not set",
			"set external_id"},
		"wrong key": {AWSSigV4{Region: "eu-west-1", AssumeRole: role("111111111111", "x-1")}, func(*fakeSTS) {
			_ = os.Setenv("AWS_SECRET_ACCESS_KEY", "canary-wrong")
		}, fault.Fatal, "SignatureDoesNotMatch", "the access key and its secret"},
		"no key": {AWSSigV4{Region: "eu-west-1"}, func(*fakeSTS) {
			_ = os.Unsetenv("AWS_ACCESS_KEY_ID")
			_ = os.Unsetenv("AWS_SECRET_ACCESS_KEY")
		}, fault.Fatal, "no AWS credentials were found", "AWS_PROFILE"},
		"no region": {AWSSigV4{}, nil, fault.Fatal, "the region is not known", "set region"},
		"no web identity": {AWSSigV4{Region: "eu-west-1", AssumeRole: &AssumeRole{ARN: "arn:aws:iam::333333333333:role/r",
			SessionName: "pipe", IdentityFile: "/nowhere/token"}}, nil, fault.Fatal, "/nowhere/token", "web identity"},
		"down": {AWSSigV4{Region: "eu-west-1", AssumeRole: role("111111111111", "x-1")}, func(s *fakeSTS) { s.Close() },
			fault.Transient, "no connection to AWS", "its proxy"},
		"a clock that is off": {AWSSigV4{Region: "eu-west-1", AssumeRole: role("222222222222", "other")}, func(s *fakeSTS) {
			s.date = time.Now().Add(-2 * time.Hour).UTC().Format(http.TimeFormat)
		}, fault.Fatal, "this machine's clock is 2h0m ahead of the server's", "set this machine's clock"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSTS(t)
			if tc.prepare != nil {
				tc.prepare(s)
			}
			tc.a.Service = "execute-api"
			_, _, err := authorized(t, sigList(t, Settings{}, tc.a))
			if err == nil || fault.ClassOf(err) != tc.class || !strings.Contains(err.Error(), tc.says) ||
				!strings.Contains(fault.RemedyOf(err), tc.remedy) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
		})
	}
	const role1 = "arn: 'arn:aws:iam::111111111111:role/x'"
	for text, says := range map[string]string{
		"arn: reader":                   "not the ARN of a role",
		"arn: 'arn:aws:iam::1:role/x'":  "not the ARN of a role",
		"":                              `"arn" is required`,
		role1 + ", session_name: 'a b'": "not the name of a session",
		role1 + ", external_id: 'a b'":  "not an external ID",
		role1 + ", duration: 1m":        "too small",
		role1 + ", external_id: ab, web_identity_token_file: x": "no external ID",
	} {
		text = "assume_role: {" + text + "}"
		if _, problems := decode(t, "auth:\n- aws_sigv4:\n    "+text+"\n"); len(problems) != 1 ||
			!strings.Contains(problems[0], says) {
			t.Errorf("%s: %q, want %q", text, problems, says)
		}
	}
}
