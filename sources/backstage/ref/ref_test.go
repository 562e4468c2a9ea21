package ref

import "testing"

func TestResolve(t *testing.T) {
	for text, want := range map[string]string{
		"team":                "group:ns/team",
		"Other/Team":          "group:other/team",
		"user:Ann":            "user:ns/ann",
		"User:Default/Ann.B":  "user:default/ann.b",
		"other/with:colon":    "group:other/with:colon",
		"user:other/with:col": "user:other/with:col",
		"":                    "",
		":x":                  "",
		"user:":               "",
		"/x":                  "",
		"user:a/":             "",
	} {
		if got, ok := Resolve(text, "Group", "NS"); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
	if got, ok := Resolve("x", "", "ns"); ok {
		t.Errorf("a ref without kind: %q", got)
	}
}

func TestSplit(t *testing.T) {
	if kind, namespace, name, ok := Split("api:x/y/z"); kind != "api" || namespace != "x" || name != "y/z" || !ok {
		t.Error(kind, namespace, name, ok)
	}
	for _, bad := range []string{"", "x", "x:y", "x/y", ":a/b", "a:/b", "a:b/", "a/b:c/d"} {
		if _, _, _, ok := Split(bad); ok {
			t.Errorf("%q was split", bad)
		}
	}
}
