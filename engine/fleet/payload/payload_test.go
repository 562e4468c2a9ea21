package payload

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"
)

const canary = "canary@example.com"

func keysOf(t *testing.T, texts ...string) *Keys {
	t.Helper()
	keys, err := ParseKeys(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestRoundTrip: what is written with a key is read with it, and its ciphertext has none of the text.
func TestRoundTrip(t *testing.T) {
	keys := keysOf(t, NewKey())
	c := DataConverter(keys)
	p, err := c.ToPayload(map[string]string{"who": canary})
	if err != nil {
		t.Fatal(err)
	}
	if whole, _ := proto.Marshal(p); bytes.Contains(whole, []byte(canary)) || bytes.Contains(whole, []byte("who")) {
		t.Errorf("the payload has the text: %q", whole)
	}
	if id := string(p.Metadata[keyID]); id != keys.ID() {
		t.Errorf("the key's ID is %q, want %q", id, keys.ID())
	}
	var back map[string]string
	if err := c.FromPayload(p, &back); err != nil || back["who"] != canary {
		t.Errorf("read back: %v, %v", back, err)
	}
}

// TestRotation: a payload of an old key is read, and everything new is written with the new one.
func TestRotation(t *testing.T) {
	old, next := NewKey(), NewKey()
	p, err := DataConverter(keysOf(t, old)).ToPayload("before")
	if err != nil {
		t.Fatal(err)
	}
	both := keysOf(t, next, old)
	var text string
	if err := DataConverter(both).FromPayload(p, &text); err != nil || text != "before" {
		t.Errorf("with the old key: %q, %v", text, err)
	}
	p, err = DataConverter(both).ToPayload("after")
	if err != nil {
		t.Fatal(err)
	}
	if id := string(p.Metadata[keyID]); id != both.ID() || id == keysOf(t, old).ID() {
		t.Errorf("written with the key %s", id)
	}
	if err := DataConverter(keysOf(t, old)).FromPayload(p, &text); err == nil ||
		!strings.Contains(err.Error(), both.ID()) {
		t.Errorf("without its key: %v", err)
	}
}

// TestRefused: a payload that is plain, cut, changed or of another key is refused.
func TestRefused(t *testing.T) {
	keys := keysOf(t, NewKey())
	c := &Codec{keys}
	sealed, err := c.Encode([]*commonpb.Payload{{Data: []byte(canary)}})
	if err != nil {
		t.Fatal(err)
	}
	changed := func(f func(*commonpb.Payload)) *commonpb.Payload {
		p := proto.Clone(sealed[0]).(*commonpb.Payload)
		f(p)
		return p
	}
	other := keysOf(t, NewKey())
	for name, p := range map[string]*commonpb.Payload{
		"plain":       {Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"x"`)},
		"null":        {Metadata: map[string][]byte{"encoding": []byte("binary/null")}},
		"cut":         changed(func(p *commonpb.Payload) { p.Data = p.Data[:8] }),
		"changed":     changed(func(p *commonpb.Payload) { p.Data[20] ^= 1 }),
		"another key": changed(func(p *commonpb.Payload) { p.Metadata[keyID] = []byte(other.ID()) }),
	} {
		if out, err := c.Decode([]*commonpb.Payload{p}); err == nil {
			t.Errorf("%s: accepted as %v", name, out)
		} else if (name == "plain" || name == "null") != errors.Is(err, ErrPlain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFailure: the message, the details and the stack of a failure are encrypted.
func TestFailure(t *testing.T) {
	f := FailureConverter(keysOf(t, NewKey()))
	failure := f.ErrorToFailure(temporal.NewApplicationErrorWithOptions(canary, "transient",
		temporal.ApplicationErrorOptions{Details: []any{canary}, Cause: errors.New(canary)}))
	whole, err := proto.Marshal(failure)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(whole, []byte(canary)) {
		t.Errorf("the failure has the text: %v", failure)
	}
	if back := f.FailureToError(failure); !strings.Contains(back.Error(), canary) {
		t.Errorf("read back: %v", back)
	}
}

// TestParseKeys: a text that is no key is refused, and the error does not have it.
func TestParseKeys(t *testing.T) {
	good := NewKey()
	short := base64.StdEncoding.EncodeToString([]byte("sixteen bytes ok"))
	for name, texts := range map[string][]string{
		"none": {}, "empty": {""}, "short": {short}, "no base64": {"!" + good}, "twice": {good, good}, "old": {good, "x"},
	} {
		keys, err := ParseKeys(texts...)
		if err == nil {
			t.Errorf("%s: %v", name, keys)
			continue
		}
		for _, text := range texts {
			if len(text) > 1 && strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error has the text: %v", name, err)
			}
		}
	}
	if keysOf(t, good).ID() != keysOf(t, good+"\n").ID() {
		t.Error("a line end changes the key")
	}
}
