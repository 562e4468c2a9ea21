package signin

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// The limits of failed sign-ins: so many of one address in this time, and of so many addresses.
const (
	mostFailed    = 10
	failedTime    = time.Minute
	mostAddresses = 1000
)

// tries counts the failed sign-ins of each address.
type tries struct {
	mu     sync.Mutex
	begun  time.Time
	failed map[string]int
}

// begin counts a sign-in as failed, and reports whether it may be tried.
func (t *tries) begin(now time.Time, address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.begun) >= failedTime {
		t.begun, t.failed = now, map[string]int{}
	}
	n, known := t.failed[address]
	if n >= mostFailed || !known && len(t.failed) >= mostAddresses {
		return false
	}
	t.failed[address] = n + 1
	return true
}

// succeeded takes back what begin counted.
func (t *tries) succeeded(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed[address] > 0 {
		t.failed[address]--
	}
}

// Client returns the address from which a request comes, without the port. Of an IPv6 address it
// is the network, as a machine has many addresses there.
func Client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return Network(host)
}

// Network returns an IP address, or the network of an IPv6 address; any other text is returned as
// it is.
func Network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if p, err := ip.Prefix(64); err == nil && ip.Is6() {
		return p.String()
	}
	return ip.String()
}
