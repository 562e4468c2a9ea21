package connection

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestEdges: a redirect to a sign-in, or a page of one, names the product in front of the
// server, and the remedy is the one for it.
func TestEdges(t *testing.T) {
	for name, tc := range map[string]struct {
		serve        http.HandlerFunc
		says, remedy string
	}{
		"IAP": {answer(302, "", "", "Location", "https://accounts.google.com/o/oauth2/v2/auth?client_id=x"),
			"Google's Identity-Aware Proxy is in front", "add google_iap"},
		"IAP, 401 page": {answer(403, "text/html", "<html><title>Error</title>", "X-Goog-IAP-Generated-Response", "true"),
			"Google's Identity-Aware Proxy answers", "add google_iap"},
		"Cloudflare": {answer(302, "", "", "Location", "https://acme.cloudflareaccess.com/cdn-cgi/access/login/x"),
			"Cloudflare Access is in front", "add cloudflare_access"},
		"Cloudflare, page": {answer(200, "text/html", "<html><a href=/cdn-cgi/access/login>"), "Cloudflare Access answers",
			"add cloudflare_access"},
		"Entra": {answer(302, "", "", "Location", "https://login.microsoftonline.com/t/oauth2/v2.0/authorize"),
			"Microsoft Entra ID is in front", "oauth2"},
		"Okta": {answer(302, "", "", "Location", "https://acme.okta.com/login"), "Okta is in front", "oauth2"},
		"Cognito": {answer(302, "", "", "Location", "https://x.auth.eu-west-1.amazoncognito.com/login"), "Amazon Cognito",
			"listener"},
		"oauth2-proxy": {answer(302, "", "", "Location", "/oauth2/start?rd=%2Fx"), "oauth2-proxy is in front",
			"--skip-jwt-bearer-tokens"},
		"oauth2-proxy, page": {answer(403, "text/html", "<html><footer>OAuth2-Proxy version</footer>"),
			"oauth2-proxy answers",
			"--skip-jwt-bearer-tokens"},
		"another host that ends like one": {answer(302, "", "", "Location", "https://notokta.com/"),
			"probably a sign-in proxy",
			"auth"},
		"a frontend": {answer(200, "text/html", "<html><title>Backstage</title>"), "a sign-in proxy or a web frontend",
			"auth"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, tc.serve, func(_ *Config, s *Settings) {
				s.Allow = func(_, path string) bool { return path == "/x" }
			})
			_, err := f.get(t)
			if fault.ClassOf(err) != fault.Fatal && name != "IAP, 401 page" && name != "oauth2-proxy, page" ||
				!strings.Contains(err.Error(), tc.says) || !strings.Contains(fault.RemedyOf(err), tc.remedy) {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
		})
	}
}
