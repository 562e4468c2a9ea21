package connection

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
)

// TestAddressProblems: a file may not name a metadata server, nor send credentials without
// encryption unless insecure_http allows it.
func TestAddressProblems(t *testing.T) {
	const plain = "would be sent unencrypted"
	token := config.NewSecret("token")
	layer := Config{Auth: auth.Layers{{Bearer: &auth.Bearer{Token: token}}}}
	for _, tc := range []struct {
		address string
		cfg     Config
		token   config.Secret
		want    string
	}{
		{"https://backstage.example.com", Config{}, token, ""},
		{"http://127.0.0.1:7007", Config{}, token, ""},
		{"http://localhost:7007", layer, token, ""},
		{"http://backstage.example.com", Config{}, config.Secret{}, ""},
		{"http://backstage.example.com", Config{}, token, plain},
		{"http://10.0.0.1", layer, config.Secret{}, plain},
		{"http://10.0.0.1", Config{Headers: map[string]config.Secret{"X-Y": token}}, config.Secret{}, plain},
		{"http://10.0.0.1", Config{InsecureHTTP: true}, token, "insecure_http is true"},
		{"http://10.0.0.1", Config{InsecureHTTP: true}, config.Secret{}, ""},
		{"https://10.0.0.1", Config{InsecureHTTP: true}, token, ""},
		{"https://169.254.169.254", Config{}, config.Secret{}, "link-local"},
		{"https://METADATA.google.internal./x", Config{}, config.Secret{}, "link-local"},
	} {
		var got []string
		report := func(field, code, message, hint string) {
			got = append(got, message)
			if field != "url" || code != codeConnection || hint == "" {
				t.Errorf("%s %s %s", field, code, hint)
			}
		}
		ValidateAddress("url", tc.address, report)
		tc.cfg.ValidateEncryption("url", tc.address, tc.token, report)
		tc.cfg.CautionAddress("url", tc.address, tc.token, report)
		if all := strings.Join(got, "; "); (all == "") != (tc.want == "") || !strings.Contains(all, tc.want) || len(got) > 1 {
			t.Errorf("%s: %q, want %q", tc.address, all, tc.want)
		}
	}
}
