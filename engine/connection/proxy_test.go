package connection

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	proxyUser     = "pipe"
	proxyPassword = "pr0xy-p@ss/word"
)

// relay copies both ways until one end closes.
func relay(a, b net.Conn) {
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = pair[0].Close()
			_ = pair[1].Close()
		})
	}
	both.Wait()
}

// connectProxy is an HTTP proxy that tunnels for those who know the password. It reports
// the request lines and headers that it sees.
func connectProxy(t *testing.T, seen func(string)) *httptest.Server {
	t.Helper()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxyPassword))
	return httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen(fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header))
		if r.Header.Get("Proxy-Authorization") != want {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			answer(200, appJSON, "{}")(w, r)
			return
		}
		to, err := net.Dial("tcp", r.RequestURI)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		relay(conn, to)
	}))
}

// socksProxy is a SOCKS5 server (RFC 1928 and 1929) with one user. It resolves no names.
func socksProxy(t *testing.T, seen func(string)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveSocks(conn, seen)
		}
	}()
	return l
}

func serveSocks(conn net.Conn, seen func(string)) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(conn)
	take := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(r, b)
		return b
	}
	methods := take(int(take(2)[1]))
	if !strings.Contains(string(methods), "\x02") {
		_, _ = conn.Write([]byte{5, 0xff})
		return
	}
	_, _ = conn.Write([]byte{5, 2})
	user := string(take(int(take(2)[1])))
	password := string(take(int(take(1)[0])))
	if user != proxyUser || password != proxyPassword {
		_, _ = conn.Write([]byte{1, 1})
		return
	}
	_, _ = conn.Write([]byte{1, 0})
	var host string
	switch take(4)[3] {
	case 1:
		host = net.IP(take(4)).String()
	case 3:
		host = string(take(int(take(1)[0])))
	case 4:
		host = net.IP(take(16)).String()
	}
	port := take(2)
	address := net.JoinHostPort(host, fmt.Sprint(int(port[0])<<8|int(port[1])))
	seen("SOCKS " + address)
	to, err := net.Dial("tcp", address)
	if err != nil {
		_, _ = conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	relay(conn, to)
}

// TestProxyOfTheFile: each kind of proxy carries the requests, with its password, and sees
// no credential of the server behind it.
func TestProxyOfTheFile(t *testing.T) {
	ca := newAuthority(t, "ca")
	certFile, keyFile := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	caFile := t.TempDir() + "/ca.pem"
	write(t, caFile, string(ca.pem))
	server := serveTLS(t, certFile, keyFile, nil)
	for _, kind := range []string{"http", "https", "socks5"} {
		for _, good := range []bool{true, false} {
			t.Run(fmt.Sprint(kind, " ", good), func(t *testing.T) {
				var mu sync.Mutex
				var all []string
				seen := func(s string) { mu.Lock(); all = append(all, s); mu.Unlock() }
				address := ""
				switch kind {
				case "http":
					p := connectProxy(t, seen)
					p.Start()
					t.Cleanup(p.Close)
					address = p.URL
				case "https":
					p := connectProxy(t, seen)
					cert, err := tls.LoadX509KeyPair(certFile, keyFile)
					if err != nil {
						t.Fatal(err)
					}
					// A proxy that wanted one would get no client certificate.
					p.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert,
						VerifyConnection: func(s tls.ConnectionState) error {
							if len(s.PeerCertificates) > 0 {
								t.Error("the proxy got the client certificate")
							}
							return nil
						}}
					p.StartTLS()
					t.Cleanup(p.Close)
					address = p.URL
				case "socks5":
					address = "socks5://" + socksProxy(t, seen).Addr().String()
				}
				password := proxyPassword
				if !good {
					password = "wr0ng-" + proxyPassword
				}
				f := &fixture{}
				f.connect(t, server.URL, func(c *Config, s *Settings) {
					s.Proxy = nil
					c.Retries.Attempts = 1
					c.TLS.CAFile, c.TLS.CertFile, c.TLS.KeyFile = caFile, certFile, keyFile
					c.Proxy = Proxy{URL: address, Username: proxyUser, Password: config.NewSecret(password)}
				})
				_, err := f.get(t)
				if (err == nil) != good {
					t.Fatalf("%v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				text := strings.Join(all, "\n")
				noSecret(t, "what the proxy saw", text)
				if good && !strings.Contains(text, strings.TrimPrefix(server.URL, "https://")) {
					t.Errorf("the proxy saw %q", text)
				}
				if good {
					return
				}
				if fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "user name and password") ||
					fault.RemedyOf(err) != "check proxy" {
					t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
				}
				if shown := everythingOf(err) + f.log.String(); strings.Contains(shown, proxyPassword) {
					t.Errorf("the proxy's password shows: %s", shown)
				}
			})
		}
	}
}

// TestProxyAppliesToTokens: a token endpoint is reached by the same proxy.
func TestProxyAppliesToTokens(t *testing.T) {
	var mu sync.Mutex
	var all []string
	p := connectProxy(t, func(s string) { mu.Lock(); all = append(all, s); mu.Unlock() })
	p.Start()
	t.Cleanup(p.Close)
	k := newTokens(t)
	f := start(t, answer(200, appJSON, "{}"), k.oauth2, func(c *Config, s *Settings) {
		s.Proxy = nil
		c.Retries.Attempts = 1
		c.Proxy = Proxy{URL: p.URL, Username: proxyUser, Password: config.NewSecret(proxyPassword)}
	})
	_, _ = f.get(t) // the proxy answers {} in place of the token
	if len(all) != 1 || !strings.Contains(all[0], "POST "+k.URL) {
		t.Errorf("the proxy saw %q", all)
	}
}

// TestLocalAddress: the server sees the address of the file, and a refusal names it.
func TestLocalAddress(t *testing.T) {
	for _, address := range []string{"127.0.0.2", "127.0.0.3"} {
		if l, err := net.Listen("tcp", address+":0"); err != nil {
			t.Skip("this system has one loopback address alone: ", err)
		} else {
			_ = l.Close()
		}
		var from string
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			from, _, _ = net.SplitHostPort(r.RemoteAddr)
			if from == "127.0.0.3" {
				answer(403, appJSON, `{"message":"no"}`)(w, r)
				return
			}
			answer(200, appJSON, "{}")(w, r)
		}, func(c *Config, _ *Settings) { c.LocalAddress = address })
		_, err := f.get(t)
		if from != address {
			t.Errorf("came from %s, want %s", from, address)
		}
		if address == "127.0.0.3" &&
			!strings.Contains(fault.RemedyOf(err), "an allow list in front of it lets 127.0.0.3 in") {
			t.Errorf("%v (%s)", err, fault.RemedyOf(err))
		}
	}
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	if _, err := f.get(t); !strings.Contains(fault.RemedyOf(err), "an allow list in front of it lets 127.0.0.1 in") {
		t.Errorf("%v (%s)", err, fault.RemedyOf(err))
	}
}

// TestProxyProblems: how a proxy is written.
func TestProxyProblems(t *testing.T) {
	for name, tc := range map[string]struct{ text, says, want string }{
		"an address":    {"http://egress.example.com:3128", "", "http://egress.example.com:3128"},
		"none":          {"none", "", "none"},
		"of a variable": {"${P}", "", "http://egress.example.com:3128 as u"},
		"a mapping": {"{url: 'socks5://e.example.com:1080', username: u, password: '${S}'}", "",
			"socks5://e.example.com:1080 as u"},
		"another scheme": {"ftp://egress.example.com", "1:8: a proxy of this kind is not supported", ""},
		"a host alone":   {"egress.example.com:3128", "1:8: ", ""},
		"no address":     {"egress", "1:8: not the address of a proxy", ""},
		"a path":         {"http://egress.example.com/x", "has no path", ""},
		"metadata":       {"http://169.254.169.254", "link-local", ""},
		"no user name": {"{url: 'http://e.example.com', password: '${S}'}",
			"1:14: the proxy has a password without a user name", ""},
		"no url": {"{username: u}", `"url" is required and missing`, ""},
		"a literal": {"http://u:c4nary-pass@e.example.com", "a secret is written in the file itself",
			"http://e.example.com as u"},
		"user in url": {"{url: '${P}'}", "contains a user name or password", ""},
	} {
		t.Run(name, func(t *testing.T) {
			doc, problems := config.Parse("p.yaml", []byte("proxy: "+tc.text+"\n"))
			var v struct {
				Proxy Proxy `yaml:"proxy" doc:"it"`
			}
			problems = append(problems,
				config.Decode(doc.Root(), &v, &config.Variables{Lookup: func(name string) (string, bool) {
					return map[string]string{"P": "http://u:c4nary-pass@egress.example.com:3128", "S": "c4nary-pass"}[name], true
				}})...)
			var got []string
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%d:%d: %s (%s)", p.Pos.Line, p.Pos.Col, p.Message, p.Hint))
			}
			if (len(got) > 0) != (tc.says != "") || len(got) > 1 || len(got) == 1 && !strings.Contains(got[0], tc.says) {
				t.Errorf("%q, want %q", got, tc.says)
			}
			shown := config.Values(&v)
			if tc.want != "" && (len(shown) != 1 || shown[0].Text != tc.want) {
				t.Errorf("%v, want %q", shown, tc.want)
			}
			all := fmt.Sprint(got, shown)
			if tc.want != "" || tc.says == "" {
				all += string(doc.Source())
			}
			if strings.Contains(all, "c4nary") {
				t.Errorf("the password shows: %s", all)
			}
			if name == "of a variable" {
				if s := config.Secrets(&v); len(s) != 1 || s[0].Reveal() != "c4nary-pass" {
					t.Error("the password is no secret of the config")
				}
			}
		})
	}
}
