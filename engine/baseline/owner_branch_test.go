package baseline

import "testing"

// TestOwnerForm: a sealed file that is not JSON, or whose id has another form, is an error,
// never an owner.
func TestOwnerForm(t *testing.T) {
	s := open(t, t.TempDir())
	for _, line := range []string{
		"no JSON\n", "{\"version\":1,\"place\":\"" + place + "\",\"owner\":\"x\"}\n",
		"{\"version\":1,\"place\":\"" + place + "\"}\n",
		"{\"version\":9,\"owner\":7}\n",
		"{\"version\":1,\"place\":\"" + place + "\",\"owner\":\"0123456789abcdef\",\"kept\":7}\n",
	} {
		if err := s.writeSealed(".owner", []byte(line)); err != nil {
			t.Fatal(err)
		}
		if o, found, err := s.Owner(); found || err == nil {
			t.Errorf("%s: %+v, %v", line, o, found)
		}
	}
}
