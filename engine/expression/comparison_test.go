package expression

import (
	"strings"
	"testing"
)

// TestComparison: a comparison with a value of another kind is an error when the kind is
// unknown before the record is read; nil is comparable with everything.
func TestComparison(t *testing.T) {
	l := testLanguage(t)
	record := testEntity()
	for name, value := range map[string]any{"list": []any{"team"}, "number": 5, "text": "team", "flag": true} {
		record = with(record, "spec."+name, value)
	}
	for text, want := range map[string]any{
		`spec.text == "team"`:                    true,
		`spec.text != "team"`:                    false,
		`spec.absent == "team"`:                  false,
		`"team" != spec.absent`:                  true,
		`spec.absent == nil`:                     true,
		`spec.list == nil`:                       false,
		`spec.number == 5`:                       true,
		`spec.number == 5.0`:                     true,
		`spec.flag == true`:                      true,
		`spec.text in ["team", "all"]`:           true,
		`spec.absent in ["team"]`:                false,
		`"team" in spec.list`:                    true,
		`spec.text == spec.absent`:               false,
		`spec.list == spec.list`:                 true,
		`spec.list[0] == spec.text`:              true,
		`spec.text in ["team", 5]`:               true,
		`(spec.text ?? "x") == "team"`:           true,
		`spec.list == "team"`:                    "`spec.list` is a list here, but text is expected",
		`"team" != spec.list`:                    "`spec.list` is a list here, but text is expected",
		`spec.number == "5"`:                     "`spec.number` is a number here, but text is expected",
		`spec.text == 5`:                         "`spec.text` is text here, but a number is expected",
		`spec.text == true`:                      "`spec.text` is text here, but true or false is expected",
		`spec.list in ["team"]`:                  "`spec.list` is a list here, but text is expected",
		`spec.number in ["5"]`:                   "`spec.number` is a number here, but text is expected",
		`spec.text == spec.list`:                 "`spec.text` is text and `spec.list` is a list: they cannot be compared",
		`spec.number != spec.flag`:               "`spec.number` is a number and `spec.flag` is true or false",
		`not (spec.list == "team")`:              "`spec.list` is a list here, but text is expected",
		`spec.text == "x" or spec.list == "x"`:   "`spec.list` is a list here, but text is expected",
		`any(spec.list, # == 5)`:                 "`#` is text here, but a number is expected",
		`(spec.absent ?? spec.number) == "team"`: "is a number here, but text is expected",
	} {
		got, err := evaluate(t, l, text, record)
		switch want := want.(type) {
		case bool:
			if err != nil || got != want {
				t.Errorf("%s: %v, %v", text, got, err)
			}
		case string:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, %v, want %q", text, got, err, want)
			}
		}
	}
}
