package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

const ownSecret = "wJalrXUtnFEMI"

// server answers as GetParameter of Parameter Store and GetSecretValue of Secrets Manager are
// documented. It verifies the signature of each request.
type server struct {
	*httptest.Server

	mu         sync.Mutex
	parameters map[string]string
	secrets    map[string]string
	binary     []string
	fails      string // the kind of every answer, "" for the documented one
	message    string
	raw        string // an answer in place of the documented one
	down       int    // how many requests are answered with 500
	throttles  int    // how many requests are refused as too many
	targets    []string
}

// newServer starts the server and makes it AWS for this process.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{
		parameters: map[string]string{"/pipe/backstage": canary, "line": canary + "\n", "empty": "", "blank": " \n",
			"/pipe/json": `{"token":"` + canary + `","n":5,"none":""}`},
		secrets: map[string]string{"pipe/backstage": canary, "pipe/json": `{"token":"` + canary + `\r\n","n":5}`},
		binary:  []string{"pipe/binary"},
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ENDPOINT_URL",
		"AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_SECRETS_MANAGER"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
	t.Setenv("AWS_SECRET_ACCESS_KEY", ownSecret)
	t.Setenv("AWS_ENDPOINT_URL_SSM", s.URL)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", s.URL)
	return s
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	fields := map[string]string{"__type": kind}
	if message != "" {
		fields["message"] = message
	}
	write(w, fields)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	write(w, v)
}

func write(w io.Writer, v any) {
	text, _ := codec.Marshal(v)
	_, _ = w.Write(text)
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	target := r.Header.Get("X-Amz-Target")
	s.targets = append(s.targets, target)
	var asked struct {
		Name           string
		SecretID       string `json:"SecretId"`
		WithDecryption bool
	}
	switch {
	case s.down > 0:
		s.down--
		refuse(w, http.StatusInternalServerError, "InternalServerError", "")
		return
	case s.throttles > 0:
		s.throttles--
		refuse(w, http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
		return
	case s.fails != "":
		refuse(w, http.StatusBadRequest, s.fails, s.message)
		return
	case s.raw != "":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, s.raw)
		return
	case r.Method != http.MethodPost || r.URL.Path != "/" ||
		r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || codec.Unmarshal(body, &asked) != nil:
		refuse(w, http.StatusBadRequest, "SerializationException", "")
		return
	}
	service, _, _ := strings.Cut(target, ".")
	if wrong := verify(r, body, strings.TrimPrefix(strings.ToLower(service), "amazon")); wrong != "" {
		refuse(w, http.StatusBadRequest, "InvalidSignatureException", wrong)
		return
	}
	switch target {
	case "AmazonSSM.GetParameter":
		value, ok := s.parameters[asked.Name]
		if !ok || !asked.WithDecryption {
			refuse(w, http.StatusBadRequest, "ParameterNotFound", "")
			return
		}
		answer(w, map[string]any{"Parameter": map[string]any{"Name": asked.Name, "Type": "SecureString", "Value": value,
			"Version": 1}})
	case "secretsmanager.GetSecretValue":
		value, ok := s.secrets[asked.SecretID]
		switch {
		case slices.Contains(s.binary, asked.SecretID):
			answer(w, map[string]any{"Name": asked.SecretID, "SecretBinary": "Y2FuYXJ5"})
		case !ok:
			refuse(w, http.StatusBadRequest, "ResourceNotFoundException",
				"Secrets Manager can't find the specified secret.")
		default:
			answer(w, map[string]any{"Name": asked.SecretID, "SecretString": value, "VersionStages": []string{"AWSCURRENT"}})
		}
	default:
		refuse(w, http.StatusBadRequest, "UnknownOperationException", "")
	}
}

// verify checks a signature as the documentation of AWS Signature Version 4 says, for a POST
// to /. It returns what is wrong.
func verify(r *http.Request, body []byte, service string) string {
	fields := map[string]string{}
	head, _ := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(head, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[key] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	names := strings.Split(fields["SignedHeaders"], ";")
	if len(scope) != 5 || scope[0] != "AKIDOWN" || scope[2] != "eu-west-1" || scope[3] != service {
		return "the scope is " + fields["Credential"]
	}
	for _, name := range []string{"host", "x-amz-date", "x-amz-target", "content-type"} {
		if !slices.Contains(names, name) {
			return name + " is not signed"
		}
	}
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(len(body))
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, value)
	}
	hash := func(b string) string { s := sha256.Sum256([]byte(b)); return hex.EncodeToString(s[:]) }
	canonical := strings.Join([]string{"POST", "/", "", headers.String(), strings.Join(names, ";"), hash(string(body))},
		"\n")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), strings.Join(scope[1:], "/"),
		hash(canonical)}, "\n")
	key := []byte("AWS4" + ownSecret)
	for _, step := range append(slices.Clone(scope[1:]), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(step))
		key = mac.Sum(nil)
	}
	if hex.EncodeToString(key) != fields["Signature"] {
		return "the signature does not match"
	}
	return ""
}
