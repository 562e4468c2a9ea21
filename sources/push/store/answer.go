package store

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// longestKey is the length of an idempotency key in bytes.
const longestKey = 200

// request identifies a request with an idempotency key.
type request struct {
	owner, key string
	hash       []byte // of the operation, its arguments and its body
}

// newRequest hashes an operation with its arguments.
func newRequest(g component.Grant, key string, parts ...string) (request, error) {
	if len(key) > longestKey {
		return request{}, refuse(component.PushInvalid,
			fmt.Sprintf("the idempotency key is longer than %d bytes", longestKey), "use a UUID")
	}
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return request{owner: g.ID, key: key, hash: h.Sum(nil)}, nil
}

// answered decodes the answer to an earlier request with the same key into answer. found is
// false when there is none.
func (r request) answered(t *transaction, answer any) (found bool, err error) {
	if r.key == "" {
		return false, nil
	}
	var hash []byte
	var text string
	found, err = t.row("SELECT hash, answer FROM answers WHERE owner = ? AND key = ?", []any{r.owner, r.key}, &hash, &text)
	if err != nil || !found {
		return false, err
	}
	if !slices.Equal(hash, r.hash) {
		return false, refuse(component.PushConflict, fmt.Sprintf("another request had the idempotency key %q", r.key),
			"use a new key for each request, and the same key only to repeat one")
	}
	return true, codec.Unmarshal([]byte(text), answer)
}

// keep stores the answer for repetitions of the request.
func (r request) keep(t *transaction, at int64, answer any) error {
	if r.key == "" {
		return nil
	}
	_, err := t.exec("INSERT INTO answers (owner, key, hash, answer, at) VALUES (?, ?, ?, ?, ?)", r.owner, r.key,
		r.hash, encode(answer), at)
	return err
}
