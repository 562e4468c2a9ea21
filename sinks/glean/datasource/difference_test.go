package datasource

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

func decodeJSON(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	v, err := codec.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCompare: real differences, and different spellings of the same config.
func TestCompare(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, want string }{
		"nothing":                   {`{"name":"a"}`, `{"name":"a"}`, ""},
		"the name":                  {`{"name":"CUSTOM_A"}`, `{"name":"a"}`, ""},
		"the title of the name":     {`{"name":"CUSTOM_MY_CATALOG","displayName":"My Catalog"}`, `{"name":"my_catalog"}`, ""},
		"a title":                   {`{"displayName":"A"}`, `{"displayName":"B"}`, `~displayName "A" "B"`},
		"a boolean's default":       {`{"isOnPrem":false,"stripFragmentInCanonicalUrl":true}`, `{}`, ""},
		"the other default":         {`{}`, `{"isOnPrem":false,"trustUrlRegexForViewActivity":true}`, ""},
		"a default that is true":    {`{}`, `{"trustUrlRegexForViewActivity":false}`, `+trustUrlRegexForViewActivity  false`},
		"to a default that is true": {`{"trustUrlRegexForViewActivity":false}`, `{}`, `-trustUrlRegexForViewActivity false `},
		"a boolean":                 {`{"isOnPrem":false}`, `{"isOnPrem":true}`, `+isOnPrem  true`},
		"words in another order":    {`{"aliases":["b","a"]}`, `{"aliases":["a","b"]}`, ""},
		"words":                     {`{"aliases":["b","a"]}`, `{"aliases":["a"]}`, `~aliases ["a","b"] ["a"]`},
		"rules in another order": {`{"canonicalizingURLRegex":[{"matchRegex":"a"},{"matchRegex":"b"}]}`,
			`{"canonicalizingURLRegex":[{"matchRegex":"b"},{"matchRegex":"a"}]}`,
			`~canonicalizingURLRegex [{"matchRegex":"a"},{"matchRegex":"b"}] [{"matchRegex":"b"},{"matchRegex":"a"}]`},
		"an empty list": {`{"quicklinks":[],"aliases":[]}`, `{}`, ""},
		"types in another order": {`{"objectDefinitions":[{"name":"a"},{"name":"b"}]}`,
			`{"objectDefinitions":[{"name":"b"},{"name":"a"}]}`, ""},
		"a type": {`{"objectDefinitions":[{"name":"a"}]}`,
			`{"objectDefinitions":[{"name":"a"},{"name":"b","propertyDefinitions":[{"name":"p","propertyType":"INT"}]}]}`,
			`+objectDefinitions/b  {} +objectDefinitions/b/propertyDefinitions/p  {"propertyType":"INT"}`},
		"a type less": {`{"objectDefinitions":[{"name":"a","displayLabel":"A"}]}`, `{}`,
			`-objectDefinitions/a {"displayLabel":"A"} `},
		"the default type": {`{"objectDefinitions":[{"displayLabel":"x"}]}`,
			`{"objectDefinitions":[{"displayLabel":"y"}]}`, `~objectDefinitions//displayLabel "x" "y"`},
		"a property's type": {`{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p"}]}]}`,
			`{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p","propertyType":"TEXT"}]}]}`, ""},
		"another property's type": {`{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p"}]}]}`,
			`{"objectDefinitions":[{"name":"a","propertyDefinitions":[{"name":"p","propertyType":"INT"}]}]}`,
			`+objectDefinitions/a/propertyDefinitions/p/propertyType  "INT"`},
		"within an icon": {`{"quicklinks":[{"name":"q","iconConfig":{"key":"a"}}]}`,
			`{"quicklinks":[{"name":"q","iconConfig":{"key":"b"}}]}`, `~quicklinks/q/iconConfig/key "a" "b"`},
		"unknown fields":      {`{"future":{"x":1}}`, `{"future":{"x":2}}`, `~future/x 1 2`},
		"a list that is none": {`{"quicklinks":"x"}`, `{"quicklinks":[{"name":"q"}]}`, `~quicklinks "x" [{"name":"q"}]`},
	} {
		var got []string
		for _, c := range compare(decodeJSON(t, tc.from), decodeJSON(t, tc.to)) {
			op := "~"
			if c.Before == "" {
				op = "+"
			} else if c.After == "" {
				op = "-"
			}
			got = append(got, op+strings.Join(c.Path, "/")+" "+c.Before+" "+c.After)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, s, tc.want)
		}
	}
}

// TestOverlay: what Glean has and the file lacks stays, things by their names.
func TestOverlay(t *testing.T) {
	live := `{"name":"CUSTOM_A","future":1,"aliases":["x"],"quicklinks":[{"name":"q","id":"7","url":"u"},{"name":"old"}]}`
	file := `{"name":"a","quicklinks":[{"name":"new"},{"name":"q","url":"v"}]}`
	for name, tc := range map[string]struct {
		o    component.ProvisionOptions
		want string
	}{
		"kept": {component.ProvisionOptions{}, `{"aliases":["x"],"future":1,"name":"a","quicklinks":[{"name":"new"},` +
			`{"id":"7","name":"q","url":"v"},{"name":"old"}]}`},
		"cleared": {component.ProvisionOptions{Cleared: func(p ...string) bool {
			return p[len(p)-1] == "aliases" ||
				p[len(p)-1] == "id" && p[2] == "q"
		}}, `{"future":1,"name":"a","quicklinks":[{"name":"new"},{"name":"q","url":"v"},{"name":"old"}]}`},
		"replace": {component.ProvisionOptions{Replace: true}, `{"name":"a","quicklinks":[{"name":"new"},{"id":"7",` +
			`"name":"q","url":"v"}]}`},
	} {
		b, err := codec.Marshal(overlay{options: tc.o}.config(decodeJSON(t, live), decodeJSON(t, file)))
		if err != nil || string(b) != tc.want {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

// TestPlanSettles: after one apply there is nothing to change, for any config of Glean and
// any order of its answer.
func TestPlanSettles(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var things func(depth int) []any
	fields := func(depth int) map[string]any {
		out := map[string]any{}
		for _, field := range []string{"displayLabel", "propertyType", "hideUiFacet", "trustUrlRegexForViewActivity",
			"aliases", "future"} {
			if r.IntN(2) == 0 {
				continue
			}
			switch field {
			case "hideUiFacet", "trustUrlRegexForViewActivity":
				out[field] = r.IntN(2) == 0
			case "aliases":
				out[field] = []any{"b", "a", "c"}[:r.IntN(4)]
			case "future":
				out[field] = map[string]any{"x": float64(r.IntN(2))}
			default:
				out[field] = []string{"", "TEXT", "INT"}[r.IntN(3)]
			}
		}
		for _, field := range []string{"objectDefinitions", "propertyDefinitions"} {
			if depth > 0 && r.IntN(2) == 0 {
				out[field] = things(depth - 1)
			}
		}
		return out
	}
	things = func(depth int) (out []any) {
		for _, name := range []string{"", "a", "b", "c"} {
			if r.IntN(2) == 0 {
				thing := fields(depth)
				if name != "" {
					thing["name"] = name
				}
				out = append(out, thing)
			}
		}
		r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	}
	for range 2000 {
		live, file := fields(2), fields(2)
		o := overlay{options: component.ProvisionOptions{Replace: r.IntN(3) == 0}}
		wanted := o.config(live, file)
		if left := compare(wanted, o.config(wanted, file)); len(left) > 0 {
			t.Fatalf("%v over %v is %v, and then %+v", file, live, wanted, left)
		}
		if lost := compare(wanted, overlay{}.config(live, wanted)); !o.options.Replace && len(lost) > 0 {
			t.Fatalf("%v over %v is %v, which lacks %+v", file, live, wanted, lost)
		}
		if one, other := compare(live, wanted), compare(wanted, live); len(one) == 0 != (len(other) == 0) {
			t.Fatalf("%v and %v differ one way only: %+v, %+v", live, wanted, one, other)
		}
	}
}
