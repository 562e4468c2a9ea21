package component

import "testing"

func TestEmail(t *testing.T) {
	for text, want := range map[string]string{
		"ann@example.com":                            "ann@example.com",
		"  Ann.Lee+x@Example.com\n":                  "Ann.Lee+x@Example.com",
		"mailto:cleo@example.com":                    "cleo@example.com",
		"MailTo: cleo@example.com?subject=Hi&cc=b@c": "cleo@example.com",
		"mailto:cleo%2Bcatalog@example.com":          "cleo+catalog@example.com",
		"größe@example.com":                          "größe@example.com",
		"o'hara@[::1]":                               "",
		"":                                           "",
		"mailto:":                                    "",
		"mailto:?to=ann@example.com":                 "",
		"mailto:mailto:ann@example.com":              "",
		"mailto:ann@example.com,bob@example.com":     "",
		"SMTP:ann@example.com":                       "",
		"https://ann@example.com":                    "",
		"Ann Lee <ann@example.com>":                  "",
		"<ann@example.com>":                          "",
		"ann":                                        "",
		"@example.com":                               "",
		"ann@":                                       "",
		"ann@b@c":                                    "",
		"ann@exam\x00ple.com":                        "",
		"mailto:ann%0A@example.com":                  "",
	} {
		got, ok := Email(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %t; want %q", text, got, ok, want)
		}
	}
}
