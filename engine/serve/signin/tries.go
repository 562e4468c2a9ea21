package signin

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// The limits of failed sign-ins: so many of one address in this time, and so many addresses that are
// counted at once.
const (
	mostFailed    = 10
	failedTime    = time.Minute
	mostAddresses = 10_000
)

// tries counts the failed sign-ins of each address. When there are too many addresses, the oldest
// count is dropped: others never keep an address from being tried.
type tries struct {
	mu    sync.Mutex
	all   map[string]*list.Element // of order, by address
	order list.List                // of *failures, the oldest first
}

// failures are the failed sign-ins of an address since a time.
type failures struct {
	address string
	begun   time.Time
	n       int
}

// fail counts a failed sign-in, and reports whether there were few enough before it.
func (t *tries) fail(now time.Time, address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.all[address]; e != nil {
		one := e.Value.(*failures)
		if now.Sub(one.begun) < failedTime {
			if one.n >= mostFailed {
				return false
			}
			one.n++
			return true
		}
		t.remove(e)
	}
	if t.all == nil {
		t.all = map[string]*list.Element{}
	}
	if len(t.all) >= mostAddresses {
		t.remove(t.order.Front())
	}
	t.all[address] = t.order.PushBack(&failures{address, now, 1})
	return true
}

func (t *tries) remove(e *list.Element) { delete(t.all, t.order.Remove(e).(*failures).address) }

// succeeded takes back what fail counted.
func (t *tries) succeeded(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.all[address]; e != nil && e.Value.(*failures).n > 0 {
		e.Value.(*failures).n--
	}
}

// Client returns the address from which a request comes, without the port. Of an IPv6 address it
// is the network of a site, as its machines have many addresses there.
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
	if p, err := ip.Prefix(48); err == nil && ip.Is6() {
		return p.String()
	}
	return ip.String()
}
