package baseline

import (
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
)

// TestConvert: the file of an earlier version is kept until two good runs have written the
// baseline.
func TestConvert(t *testing.T) {
	for _, earlier := range []int{1, 2} {
		s := open(t, t.TempDir())
		text := sealed(fmt.Sprintf("pipe-state\t{\"version\":%d,\"place\":%q,\"run\":\"01OLD\"}\n"+
			"e\tdocuments\tComponent\tcomponent\tall-users\t\t\t3\t4\tcomponent:default/a\n", earlier, place))
		if err := os.WriteFile(s.path(suffixState), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for i, run := range []string{"01A", "01A", "01B", "01C", "01D"} { // the second run 01A amends the baseline
			w, err := s.Create(Header{Run: run})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Commit(); err != nil {
				t.Fatal(err)
			}
			copied, err := os.ReadFile(s.path(suffixEarlier))
			if kept := err == nil && string(copied) == text; kept != (run < "01C") {
				t.Errorf("version %d, write %d by run %s: kept %t, %v", earlier, i+1, run, kept, err)
			}
		}
	}
	s := open(t, t.TempDir())
	save(t, s, entries...)
	save(t, s, entries...)
	if _, err := os.Stat(s.path(suffixEarlier)); err == nil {
		t.Error("a file of this version was copied")
	}
}

// TestEntryFields: an entry is read as it was written, with every field and with none.
func TestEntryFields(t *testing.T) {
	at := func(n int64) time.Time { return time.Unix(n, 0).UTC() }
	want := []Entry{
		{Stream: "documents", Ref: "component:default/a", ID: 1},
		{
			Stream: "documents", Ref: "component:default/b", Kind: "Component", Type: "component", Audience: "listed", ID: 2,
			Content: 3,
			ClearID: "an id\twith a tab", Rule: "owner \\ and\nmore", Told: at(4), Away: at(5), Delivered: at(6), Covered: true,
			Names: []uint64{7, 8},
			Floor: Floor{Grant: access.Grant{Audience: access.Listed, Names: []uint64{7}}, At: at(9), Further: at(10)},
		},
		{Stream: "documents", Ref: "c", ID: 3, Audience: "all-users",
			Floor: Floor{Grant: access.Grant{Audience: access.Nobody}}},
		{Stream: "members", Ref: "group", ID: 4, Names: []uint64{7},
			Left: []Left{{Name: 11, At: at(12)}, {Name: 13, At: at(14), Covered: true}}},
	}
	s := open(t, t.TempDir())
	save(t, s, want...)
	if got := load(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestUnreadableFields: an invalid field of an entry makes the file damaged.
func TestUnreadableFields(t *testing.T) {
	for _, field := range []string{
		"", "x", "t", "tsoon", "d1.5", "fall-users 0", "flisted x", "flisted -1", "a", "w", "l", "l1", "lx 1", "l1 soon",
		"l1 1 open", "i\\", "r\\zz",
	} {
		s := open(t, t.TempDir())
		text := sealed(fmt.Sprintf("pipe-state\t{\"version\":%d,\"place\":%q}\n"+
			"e\tdocuments\tComponent\tcomponent\tall-users\t\t\t3\t4\ta\t%s\n", version, place, field))
		loads(t, s, "the field "+field, text, Damaged, "a line that cannot be read")
	}
}
