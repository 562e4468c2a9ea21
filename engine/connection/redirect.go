package connection

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pipe-engine/pipe/engine/fault"
)

const maxRedirects = 3

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow is where a redirect leads, or the fault that it is: it stays at the
// origin of the address, below its path and among the allowed requests.
func (c *Connection) follow(k *call, from *url.URL, resp *http.Response, hop int) (*url.URL, error) {
	const remedy = "check the address, and let API requests pass the sign-in proxy in front of it, with " +
		"`auth` if it needs any"
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil,
			&failure{class: fault.Permanent, text: fmt.Sprintf("%d redirects to an address that cannot be read",
				resp.StatusCode)}
	}
	if k.Secret {
		return nil,
			&failure{
				class:  fault.Fatal,
				remedy: remedy,
				text:   fmt.Sprintf("%d redirects to another address", resp.StatusCode),
			}
	}
	if !sameOrigin(c.base, to) {
		f := &failure{class: fault.Fatal, remedy: remedy,
			text: fmt.Sprintf("%d redirects to %s://%s, another origin, which never gets the credentials: ",
				resp.StatusCode, to.Scheme, to.Host)}
		if known, ok := edgeOfRedirect(to, resp.Header); ok {
			f.text += known.name + " is in front of the server"
			f.remedy = known.remedy
		} else {
			f.text += "probably a sign-in proxy in front of the server"
		}
		return nil, f
	}
	p, below := c.relative(to)
	switch {
	case k.Method != http.MethodGet && k.Method != http.MethodHead:
		return nil,
			&failure{class: fault.Fatal, remedy: remedy,
				text: fmt.Sprintf("%d redirects a %s to %s", resp.StatusCode, k.Method, to.Path)}
	case !below || !c.s.Allow(k.Method, p):
		f := &failure{class: fault.Fatal, remedy: remedy,
			text: fmt.Sprintf("%d redirects to %s, which is not part of this API", resp.StatusCode, to.Path)}
		if known, ok := edgeOfRedirect(to, resp.Header); ok {
			f.text += ": " + known.name + " is in front of the server"
			f.remedy = known.remedy
		}
		return nil, f
	case hop >= maxRedirects:
		return nil, &failure{class: fault.Permanent, remedy: "check the address", text: fmt.Sprintf("more than %d "+
			"redirects, the last to %s", maxRedirects, to.Path)}
	}
	return to, nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}
