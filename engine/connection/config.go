package connection

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Config is what a user writes about the connection inside a source or sink
// block; components embed it with `yaml:",inline"`.
type Config struct {
	TokenExpires config.Date              `yaml:"token_expires" doc:"The day on which the token expires, as 2027-01-31. From 30 days before, check, doctor and run warn."`
	TLS          TLS                      `yaml:"tls" doc:"How the server is verified, and the client certificate."`
	Headers      map[string]config.Secret `yaml:"headers" doc:"Headers sent with every request, for proxies in front such as Google IAP or Cloudflare Access."`
	Timeout      config.Duration          `yaml:"timeout" default:"60s" min:"1ms" doc:"How long one attempt of a request may take, including its answer."`
	MaxResponse  config.Bytes             `yaml:"max_response" default:"256MiB" min:"1KiB" doc:"The largest accepted answer, after decompression."`
	Compress     string                   `yaml:"compress" default:"auto" enum:"auto|always|never" doc:"Whether to request compressed answers (gzip). auto does so unless the server is on this machine or in a private network, where compression costs more time than it saves."`
	Retries      Retries                  `yaml:"retries" doc:"How often a failed request is retried."`
}

// TLS is about certificates.
type TLS struct {
	Verify     bool   `yaml:"verify" default:"true" doc:"False accepts any certificate, with a warning on every run."`
	CAFile     string `yaml:"ca_file" doc:"PEM file of certificate authorities to trust in addition to the system's."`
	CertFile   string `yaml:"cert_file" doc:"PEM file of the client certificate, with key_file."`
	KeyFile    string `yaml:"key_file" doc:"PEM file of the client certificate's key."`
	ServerName string `yaml:"server_name" doc:"The name in the server's certificate, if it differs from the address."`
}

// Retries bounds the engine's retry policy.
type Retries struct {
	Attempts int             `yaml:"attempts" default:"6" min:"1" max:"20" doc:"Attempts of one request, including the first."`
	Within   config.Duration `yaml:"within" default:"10m" doc:"The latest start of an attempt after the first."`
}

const (
	defaultTimeout     = time.Minute
	defaultMaxResponse = 256 << 20
)

// Default is the Config of a file that says nothing about the connection.
func Default() Config {
	r := fault.DefaultRetry()
	return Config{
		TLS:         TLS{Verify: true},
		Timeout:     config.Duration(defaultTimeout),
		MaxResponse: defaultMaxResponse,
		Compress:    compressAuto,
		Retries:     Retries{Attempts: r.Attempts, Within: config.Duration(r.Within)},
	}
}

// reserved are the headers that the connection itself decides.
var reserved = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
	"Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

var (
	_ config.Validator = Config{}
	_ config.Validator = TLS{}
)

// codeConnection is the code of the problems below.
const codeConnection = "connection"

// Validate reports what is wrong with the headers. A component that embeds
// Config and has a Validate of its own calls it there.
func (c Config) Validate(report func(field, code, message, hint string)) {
	seen := map[string]string{}
	for _, name := range sortedNames(c.Headers) {
		key := http.CanonicalHeaderKey(name)
		switch {
		case !validName(name):
			report("headers", codeConnection, fmt.Sprintf("%q is not a header name", name),
				"use letters, digits and hyphens")
		case slices.Contains(reserved, key):
			report("headers", codeConnection, key+" cannot be set here", "pipe sets this header; remove the line")
		case seen[key] != "":
			report("headers", codeConnection, fmt.Sprintf("%q and %q are the same header", seen[key], name),
				"remove one of the two")
		}
		seen[key] = name
	}
}

// Validate reports half a client certificate.
func (t TLS) Validate(report func(field, code, message, hint string)) {
	if (t.CertFile == "") != (t.KeyFile == "") {
		report("cert_file key_file", codeConnection, "cert_file and key_file are needed together",
			"give both or none")
	}
}

// problems joins what the two report, for callers that have no file.
func (c Config) problems() error {
	var all []error
	report := func(field, _, message, hint string) {
		all = append(all, fault.Errorf(fault.Fatal, hint, "%s: %s", field, message))
	}
	c.Validate(report)
	c.TLS.Validate(func(_, code, message, hint string) { report("tls", code, message, hint) })
	return errors.Join(all...)
}

func sortedNames(headers map[string]config.Secret) []string {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// validName tells whether name is a token of RFC 9110.
func validName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// validValue tells whether value may stand in a header.
func validValue(value string) bool {
	return strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0
}
