package connection

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// edge is a product in front of a server that asks people to sign in.
type edge struct {
	name   string
	remedy string // how a program gets past it
}

var (
	iapEdge = edge{"Google's Identity-Aware Proxy",
		"add google_iap to auth, and let its service account access the application"}
	cloudflareEdge = edge{"Cloudflare Access",
		"add cloudflare_access to auth, and a policy of the kind Service Auth to the application"}
	cognitoEdge = edge{"an AWS load balancer with Amazon Cognito",
		"such a listener lets no program in: give pipe a listener or address without it"}
	entraEdge = edge{"Microsoft Entra ID",
		"use an address without the sign-in, or add oauth2 to auth when the edge accepts its tokens"}
	oktaEdge   = edge{"Okta", entraEdge.remedy}
	auth0Edge  = edge{"Auth0", entraEdge.remedy}
	oauth2Edge = edge{"oauth2-proxy",
		"let it pass bearer tokens (--skip-jwt-bearer-tokens) and add oauth2 to auth, or use an address without it"}
)

// edgeHosts are the hosts, or their parents, to which products send people to sign in.
var edgeHosts = []struct {
	host string
	edge edge
}{
	{"accounts.google.com", iapEdge}, {"iap.googleapis.com", iapEdge}, {"cloudflareaccess.com", cloudflareEdge},
	{"amazoncognito.com", cognitoEdge}, {"login.microsoftonline.com", entraEdge}, {"okta.com", oktaEdge},
	{"oktapreview.com", oktaEdge}, {"auth0.com", auth0Edge},
}

// edgeOfRedirect recognises the product that redirects to an address; ok is false for an
// unknown one.
func edgeOfRedirect(to *url.URL, h http.Header) (edge, bool) {
	host := strings.ToLower(to.Hostname())
	for _, known := range edgeHosts {
		if host == known.host || strings.HasSuffix(host, "."+known.host) {
			return known.edge, true
		}
	}
	if strings.HasPrefix(to.Path, "/oauth2/start") || strings.HasPrefix(to.Path, "/oauth2/sign_in") {
		return oauth2Edge, true
	}
	return edgeOfHeader(h)
}

// edgeOfPage recognises who answers with a page.
func edgeOfPage(h http.Header, body []byte) (edge, bool) {
	if known, ok := edgeOfHeader(h); ok {
		return known, true
	}
	body = bytes.ToLower(body[:min(len(body), maxErrorBody)])
	switch {
	case bytes.Contains(body, []byte("cdn-cgi/access")), bytes.Contains(body, []byte("cloudflareaccess.com")):
		return cloudflareEdge, true
	case bytes.Contains(body, []byte("oauth2-proxy")), bytes.Contains(body, []byte("/oauth2/start")):
		return oauth2Edge, true
	case bytes.Contains(body, []byte("accounts.google.com")):
		return iapEdge, true
	case bytes.Contains(body, []byte("login.microsoftonline.com")):
		return entraEdge, true
	}
	return edge{}, false
}

func edgeOfHeader(h http.Header) (edge, bool) {
	switch {
	case h.Get("X-Goog-Iap-Generated-Response") != "":
		return iapEdge, true
	case h.Get("Cf-Access-Domain") != "", strings.Contains(h.Get("Www-Authenticate"), "Cloudflare-Access"):
		return cloudflareEdge, true
	}
	return edge{}, false
}

// page says what an HTML page in place of an answer is, and what to do about it.
func (c *Connection) page(resp *http.Response, body []byte) (text, remedy string) {
	if known, ok := edgeOfPage(resp.Header, body); ok {
		return known.name + " answers at this address", known.remedy
	}
	return "a sign-in proxy or a web frontend answers at this address", c.pageRemedy()
}
