package codec

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var sharedCases = []string{
	`{}`, ` {"a" : 1 , "b":[ ] } `, `{"a":"x","b":{"c":[1,-2.5e+3,0,-0,true,false,null,"é",""]}}`,
	`{"a":"\"\\\/\b\f\n\r\t\u00e9 end"}`, `{"\u0061":1}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`,
	`{"a":"\ud800"}`, `{"a":"\ud83d\ude00"}`,
	"{\"a\":\"\xff\"}", "{\"a\":\"line\nbreak\"}", `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"`, `{"a":"\`,
	`{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{,}`, `{a:1}`,
	`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`, `{"a":-}`, `{"a":1e999}`, `{"a":tru}`,
	`{"a":nul}`, `{"a":[1,]}`, `{"a":[1}`, `{"a":[`,
	`{} {}`, `{}x`, `null`, `[]`, `"x"`, ``, `{"a":` + strings.Repeat("[", 1200) + strings.Repeat("]", 1200) + `}`,
	`{"a":"` + "\x00" + `"}`, `{"a":"\u0000"}`, `{"a":12345678901234567890}`, `{"a":1E5,"b":1e-7}`,
	"\ufeff{}", `{"a":"\n` + "\t" + `"}`,
}

func checkShared(t *testing.T, data []byte) {
	t.Helper()
	want, wantErr := Decode(data)
	got, err := DecodeShared(data)
	if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got, want) {
		t.Errorf("%.200q: %v, %v, want %v, %v", data, got, err, want, wantErr)
	}
}

// TestDecodeShared: DecodeShared decodes as Decode does, for any data.
func TestDecodeShared(t *testing.T) {
	for _, text := range sharedCases {
		checkShared(t, []byte(text))
	}
	files, _ := filepath.Glob("../../../shared/data/*/*.json")
	for _, path := range files {
		if data, err := os.ReadFile(path); err == nil {
			checkShared(t, data)
		}
	}
}

// TestSpecial: the first special byte is found at every position and before every other byte.
func TestSpecial(t *testing.T) {
	naive := func(s string, from int, mask byte) int {
		for from < len(s) && s[from] != '"' && s[from] != '\\' && s[from] >= ' ' && s[from]&mask == 0 {
			from++
		}
		return from
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 100_000 {
		b := make([]byte, random.IntN(40))
		for i := range b {
			if b[i] = 'a' + byte(random.IntN(20)); random.IntN(12) == 0 {
				b[i] = byte(random.IntN(256))
			}
		}
		for from := range len(b) + 1 {
			s := string(b)
			if got, want := special(s, from), naive(s, from, 0); got != want {
				t.Fatalf("%q from %d: %d, want %d", s, from, got, want)
			}
			if got, want := unusual(s, from), naive(s, from, 0x80); got != want {
				t.Fatalf("%q from %d: %d, want %d", s, from, got, want)
			}
		}
	}
}

func FuzzDecodeShared(f *testing.F) {
	for _, text := range sharedCases {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkShared(t, data) })
}

// TestSharedIsCopied: later changes of the data do not change the value.
func TestSharedIsCopied(t *testing.T) {
	data := []byte(`{"name":"value"}`)
	v, err := DecodeShared(data)
	copy(data, bytes.Repeat([]byte("x"), len(data)))
	if err != nil || v["name"] != "value" {
		t.Errorf("%v, %v", v, err)
	}
}
