package connection

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Config is what a user writes about the connection inside a source or sink
// block; components embed it with `yaml:",inline"`.
type Config struct {
	TokenExpires config.Date              `yaml:"token_expires" doc:"The day on which the token expires, as 2027-01-31. From 30 days before, check, doctor and run warn."`
	TLS          TLS                      `yaml:"tls" doc:"How the server is verified, and the client certificate."`
	Auth         auth.Layers              `yaml:"auth" doc:"How requests prove who sends them: a list of schemes, each with a header of its own."`
	Headers      map[string]config.Secret `yaml:"headers" doc:"Headers sent with every request, for proxies in front of the server."`
	Proxy        Proxy                    `yaml:"proxy" doc:"The proxy: its address, or url, username and password below it. none uses no proxy. Without it HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply."`
	LocalAddress string                   `yaml:"local_address" doc:"The address of this machine that connections start from, where it has several and the server allows one."`
	InsecureHTTP bool                     `yaml:"insecure_http" default:"false" doc:"True sends the credentials in clear text to an address that starts with http, with a warning on every run. Only for a network that you trust, such as the inside of a cluster. Without it such an address is an error, except on this machine."`
	Timeout      config.Duration          `yaml:"timeout" default:"60s" min:"1ms" doc:"How long one attempt of a request may take, including its answer."`
	MaxResponse  config.Bytes             `yaml:"max_response" default:"256MiB" min:"1KiB" doc:"The largest accepted answer, after decompression."`
	Compress     string                   `yaml:"compress" default:"auto" enum:"auto|always|never" doc:"Whether to request compressed answers (gzip). auto does so unless the server is on this machine or in a private network, where compression costs more time than it saves."`
	Retries      Retries                  `yaml:"retries" doc:"How often a failed request is retried."`
}

// localAddress is where connections start from, nil when the system chooses.
func (c Config) localAddress() net.Addr {
	if ip := net.ParseIP(c.LocalAddress); ip != nil {
		return &net.TCPAddr{IP: ip}
	}
	return nil
}

// TLS is about certificates.
type TLS struct {
	Verify     bool   `yaml:"verify" default:"true" doc:"False accepts any certificate, with a warning on every run."`
	CAFile     string `yaml:"ca_file" path:"true" doc:"PEM file of certificate authorities to trust in addition to the system's."`
	CertFile   string `yaml:"cert_file" path:"true" doc:"PEM file of the client certificate, with key_file."`
	KeyFile    string `yaml:"key_file" path:"true" doc:"PEM file of the client certificate's key."`
	ServerName string `yaml:"server_name" doc:"The name in the server's certificate, if it differs from the address."`
}

// Retries bounds the engine's retry policy.
type Retries struct {
	Attempts int             `yaml:"attempts" default:"6" min:"1" max:"20" doc:"Attempts of one request, including the first."`
	Within   config.Duration `yaml:"within" default:"10m" doc:"The latest start of an attempt after the first."`
}

// RealServerKeys are the keys of Config that are for the server of the file alone: a
// sandbox is reached without them.
func RealServerKeys() []string {
	return []string{"auth", "proxy", "local_address", "tls", "insecure_http"}
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

var (
	_ config.Validator = Config{}
	_ config.Validator = TLS{}
)

// codeConnection is the code of the problems below.
const codeConnection = "connection"

// Validate reports what is wrong with the headers, and a header that auth writes too. A
// component that embeds Config and has a Validate of its own calls it there.
func (c Config) Validate(report func(field, code, message, hint string)) {
	auth.ValidateHeaders(c.Headers, report)
	if c.LocalAddress != "" && net.ParseIP(c.LocalAddress) == nil {
		report("local_address", codeConnection, "not an IP address", "write an address of this machine, as 10.1.2.3")
	}
	for name := range c.Headers {
		if message, hint := c.Auth.Conflict(http.CanonicalHeaderKey(name)); message != "" {
			report("headers."+name+":", codeConnection, message, hint)
		}
	}
}

// ValidateToken reports a token that no server takes, or that auth has an equal of.
// Components call it in their Validate for the field that becomes Settings.Token.
func (c Config) ValidateToken(field string, token config.Secret, report func(field, code, message, hint string)) {
	auth.ValidateToken(field, token, report)
	if message, hint := c.Auth.Conflict("Authorization"); message != "" && token.IsSet() {
		report(field+":", codeConnection, message, hint)
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
