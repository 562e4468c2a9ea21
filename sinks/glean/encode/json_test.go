package encode

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// checkMarshal fails unless a random document is written as codec.Marshal writes it, and
// reports whether marshal wrote it without codec.Marshal.
func checkMarshal(t *testing.T, random *rand.Rand, texts []string) bool {
	t.Helper()
	var d api.Document
	fill(random, texts, reflect.ValueOf(&d).Elem())
	if random.IntN(4) > 0 {
		d.Filename, d.Comments, d.Interactions = "", nil, nil
	}
	want, wantErr := codec.Marshal(d)
	got, err := marshal(&d)
	if (err == nil) != (wantErr == nil) || string(got) != string(want) {
		t.Fatalf("%s, %v\nwant %s, %v", got, err, want, wantErr)
	}
	return new(jsonWriter).document(&d)
}

var marshalTexts = []string{"a", "é \"q\" \\ \n\t\x00\x7f", "<&>\u2028", "\xff", "日本"}

// TestMarshal: whatever members are set, a document is written as codec.Marshal writes it.
func TestMarshal(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	own := 0
	for range 20_000 {
		if checkMarshal(t, random, marshalTexts) {
			own++
		}
	}
	if own < 5_000 {
		t.Errorf("%d documents were written here", own)
	}
}

func FuzzMarshal(f *testing.F) {
	for i, text := range marshalTexts {
		f.Add(uint64(i), text, "text")
	}
	f.Fuzz(func(t *testing.T, seed uint64, one, other string) {
		checkMarshal(t, rand.New(rand.NewPCG(seed, 0)), []string{one, other, ""})
	})
}

// fill sets a value and its members at random, half of them to nothing.
func fill(random *rand.Rand, texts []string, v reflect.Value) {
	if v.Kind() != reflect.Struct && random.IntN(2) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(random, texts, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, texts, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(3), 3))
		for i := range v.Len() {
			fill(random, texts, v.Index(i))
		}
	case reflect.String:
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Int64:
		v.SetInt([]int64{1, -5, 1 << 60}[random.IntN(3)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Interface:
		values := []any{"text", "é\n", int64(7), []string{"a", "b"}, []string(nil), []string{}, 2.5, true}
		v.Set(reflect.ValueOf(values[random.IntN(20)%len(values)]))
	default:
		panic(v.Kind())
	}
}
