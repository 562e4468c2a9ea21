package connection

import (
	"bytes"
	"testing"
)

// TestExact: an answer has little room behind it, whatever the buffer that it was read
// into, and is not copied where that is so.
func TestExact(t *testing.T) {
	for _, c := range []struct{ length, room int }{
		{0, 0}, {1000, 0}, {1000, 100}, {1000, 50_000}, {100_000, 100_000}, {100_000, 20_000},
	} {
		buf := bytes.NewBuffer(make([]byte, 0, c.length+c.room))
		buf.Write(bytes.Repeat([]byte("x"), c.length))
		was := buf.Bytes()
		got := exact(buf)
		if !bytes.Equal(got, was) || cap(got) > c.length+c.length/4+2*bytes.MinRead {
			t.Errorf("%+v: %d bytes with room for %d", c, len(got), cap(got))
		}
		if copied := c.length > 0 && &got[0] != &was[0]; copied != (c.room > c.length/4+bytes.MinRead) {
			t.Errorf("%+v: copied is %v", c, copied)
		}
	}
}
