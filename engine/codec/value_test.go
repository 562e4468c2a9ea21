package codec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestMarshalObject: marshalObject has the same output and errors as the library.
func TestMarshalObject(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	texts := []string{"", "a", "b", "é", "\U0001f600", "\uffff", "a\nb", "\"\\", "\x00", "<&>\u2028", "\xff", "A", "aa"}
	numbers := []float64{0, math.Copysign(0, -1), 1, -7, 1.5, 1e15,
		1 << 53, 1<<53 - 1, 1e21, 1e-7, 123456789012, -0.001, math.MaxFloat64}
	var value func(depth int) any
	value = func(depth int) any {
		switch n := random.IntN(40); {
		case n < 12 && depth > 0:
			object := map[string]any{}
			for range random.IntN(6) {
				object[texts[random.IntN(len(texts))]] = value(depth - 1)
			}
			return object
		case n < 18 && depth > 0:
			list := make([]any, random.IntN(4))
			for i := range list {
				list[i] = value(depth - 1)
			}
			return list
		case n < 22:
			return numbers[random.IntN(len(numbers))]
		case n == 22:
			return []any{nil, true, false, map[string]any(nil), []any(nil)}[random.IntN(5)]
		case n == 23 && random.IntN(5) == 0:
			return []any{math.NaN(), math.Inf(1), 7, int64(7), []string{"a"}, struct{}{}}[random.IntN(6)]
		}
		return texts[random.IntN(len(texts))]
	}
	own := 0
	for range 30_000 {
		object, _ := value(5).(map[string]any)
		want, wantErr := json.Marshal(object, strict)
		got, err := Marshal(object)
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != string(want) {
			t.Fatalf("%#v:\n%s, %v\n%s, %v", object, got, err, want, wantErr)
		}
		if _, ok := marshalObject(object); ok {
			own++
		}
	}
	if own < 10_000 {
		t.Errorf("%d objects were written here", own)
	}
	deep := any("x")
	for range 12_000 {
		deep = map[string]any{"a": deep}
	}
	if _, ok := marshalObject(deep.(map[string]any)); ok {
		t.Error("there is no limit to depth")
	}
}

// FuzzMarshalObject: decoded values are encoded as the library encodes them.
func FuzzMarshalObject(f *testing.F) {
	for _, text := range sharedCases {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := Decode(data)
		if err != nil {
			return
		}
		want, wantErr := json.Marshal(object, strict)
		got, err := Marshal(object)
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != string(want) {
			t.Errorf("%.300q: %.300q, %v, want %.300q, %v", data, got, err, want, wantErr)
		}
	})
}
