package file

import (
	"fmt"
	"testing"
)

// TestCard: a card has everything that a search looks at.
func TestCard(t *testing.T) {
	c, err := (&Sink{}).Card(streamDocuments, []byte(`{"id":"x","type":"page","title":"Pay","url":"https://a.example.com",
		"text":"long","tags":["a"],"updatedAt":1767225600,"properties":{"n":20260101,"list":["x","y"]},
		"permissions":{"audience":"listed","users":["ann"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c), "{Pay page  https://a.example.com 2026-01-01 00:00:00 +0000 UTC long "+
		"[{tags tags [a] true true} {list list [x y] true true} {n n [20260101] true true}]}"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if _, err := (&Sink{}).Card(streamUsers, []byte(`{}`)); err == nil {
		t.Error("a user has a card")
	}
}
