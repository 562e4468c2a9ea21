package backstage

import "testing"

func TestAddressOf(t *testing.T) {
	for location, want := range map[string]string{
		"url:https://github.com/acme/shop/tree/main/":             "https://github.com/acme/shop/tree/main/",
		"url: https://github.com/acme/shop ":                      "https://github.com/acme/shop",
		"https://git.example.com/a":                               "https://git.example.com/a",
		"url:https://git.example.com":                             "https://git.example.com",
		"url:https://raw.example.com/a/b.yaml?token=SECRET":       "https://raw.example.com/a/b.yaml",
		"url:https://dev.azure.com/acme/shop/_git/web?path=/c#L1": "https://dev.azure.com/acme/shop/_git/web",
		"url:https://ann:SECRET@git.example.com/a@v2":             "https://git.example.com/a@v2",
		"https://SECRET@git.example.com":                          "https://git.example.com",
		"url:https://ann:p@ss@git.example.com/":                   "https://git.example.com/",
		"url:https://git.example.com?x=https://a":                 "https://git.example.com",
		"github-org:https://github.com/acme":                      "https://github.com/acme",
		"./systems/orders.yaml":                                   "./systems/orders.yaml",
		"../*.yaml":                                               "../*.yaml",
		"/app/catalog/all.yaml":                                   "/app/catalog/all.yaml",
		"file:/app/catalog/all.yaml":                              "",
		"dir:.":                                                   "",
		"bootstrap:bootstrap":                                     "",
		"url:":                                                    "",
		"":                                                        "",
		"a b":                                                     "a b",
		"git@github.com:acme/shop.git":                            "git@github.com:acme/shop.git",
		"//ann:SECRET@git.example.com/a":                          "//git.example.com/a",
		"ann.lee:SECRET@git.example.com/a":                        "git.example.com/a",
		"systems/a@v2.yaml":                                       "systems/a@v2.yaml",
		"a@v2/orders.yaml":                                        "a@v2/orders.yaml",
		"ldap://ldap.example.com/ou=people":                       "ldap://ldap.example.com/ou=people",
		"url:./relative":                                          "",
	} {
		if got := addressOf(location); got != want {
			t.Errorf("%q: %q, want %q", location, got, want)
		}
	}
}
