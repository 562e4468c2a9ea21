package codec

import "testing"

// TestNothingAfter: data after a value is an error and not ignored.
func TestNothingAfter(t *testing.T) {
	for _, after := range []string{"{}", "1", "]", "}", "x", ","} {
		if err := Members([]byte(`{"a":1}`+after), func(string, []byte) error { return nil }); err == nil {
			t.Errorf("an object with %q after it", after)
		}
		if err := Elements([]byte(`[1]`+after), func([]byte) error { return nil }); err == nil {
			t.Errorf("an array with %q after it", after)
		}
	}
	if err := Members([]byte("{\"a\":1} \n"), func(string, []byte) error { return nil }); err != nil {
		t.Error(err)
	}
}
