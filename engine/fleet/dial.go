package fleet

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

// connect connects to Temporal with the keys of the worker. The error is transient when the service does
// not answer. The caller closes the client.
func (w *Worker) connect(ctx context.Context, log *slog.Logger) (client.Client, error) {
	return w.dial(ctx, log, payload.DataConverter(w.Keys))
}

func (w *Worker) dial(ctx context.Context, log *slog.Logger, c converter.DataConverter) (client.Client, error) {
	o, err := w.options(log, c)
	if err != nil {
		return nil, err
	}
	if o.ConnectionOptions.TLS == nil && !w.Temporal.local() {
		log.Warn("the connection to Temporal is not encrypted: names of pipelines and results can be read on the way",
			"address", w.Temporal.Address)
	}
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	out, err := client.DialContext(ctx, o)
	if err != nil {
		return nil, fault.Errorf(fault.Transient, "check temporal.address, namespace and tls, and that the "+
			"service runs",
			"connect to Temporal at %s: %w", w.Temporal.Address, err)
	}
	return out, nil
}

func (w *Worker) options(log *slog.Logger, c converter.DataConverter) (client.Options, error) {
	o := client.Options{
		HostPort: w.Temporal.Address, Namespace: w.Temporal.Namespace,
		Logger:        quiet{sdklog.NewStructuredLogger(log)},
		DataConverter: c, FailureConverter: payload.FailureConverter(w.Keys), Identity: identity(),
	}
	var err error
	if o.ConnectionOptions.TLS, err = w.Temporal.tls(); err != nil {
		return o, err
	}
	if w.Temporal.APIKey.IsSet() {
		key := w.Temporal.APIKey
		o.Credentials = client.NewAPIKeyDynamicCredentials(func(context.Context) (string, error) {
			return key.SendTo("https://" + w.Temporal.Address)
		})
	}
	return o, nil
}

// quiet is a log whose info is that of the SDK, such as that it takes from a queue, and goes to debug.
type quiet struct{ sdklog.Logger }

func (q quiet) Info(msg string, keyvals ...any) { q.Debug(msg, keyvals...) }

// identity returns what Temporal stores of the program that calls it. The SDK's own has the name of the
// machine, which may be that of a person.
func identity() string { return "pipe-worker-" + rand.Text() }

// local reports whether the service is on this machine.
func (t *Temporal) local() bool {
	host, _, _ := net.SplitHostPort(t.Address)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tls returns the settings of the connection; nil for one without TLS.
func (t *Temporal) tls() (*tls.Config, error) {
	if t.TLS == nil {
		if t.APIKey.IsSet() { // an API key never travels without TLS
			return &tls.Config{MinVersion: tls.VersionTLS12}, nil
		}
		return nil, nil
	}
	out := &tls.Config{ServerName: t.TLS.ServerName, MinVersion: tls.VersionTLS12}
	if t.TLS.CAFile != "" {
		pem, err := os.ReadFile(t.TLS.CAFile)
		if err != nil {
			return nil, wrongTLS("ca_file", err)
		}
		if out.RootCAs, err = x509.SystemCertPool(); err != nil {
			out.RootCAs = x509.NewCertPool()
		}
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, wrongTLS("ca_file", fmt.Errorf("%s has no PEM certificate", t.TLS.CAFile))
		}
	}
	if t.TLS.CertFile != "" || t.TLS.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(t.TLS.CertFile, t.TLS.KeyFile)
		if err != nil {
			return nil, wrongTLS("cert_file and key_file", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

func wrongTLS(field string, err error) error {
	return &fault.Invalid{Reason: fmt.Sprintf("temporal.tls.%s: %v", field, err), Remedy: "name PEM files that " +
		"can be read"}
}
