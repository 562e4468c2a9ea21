package sandbox

import (
	"encoding/base64"
	"fmt"

	"github.com/pipe-engine/pipe/engine/codec"
)

// cursor is a position in a read: base64 of JSON, like the real one, without limit and
// fields. Page is only for ReadOf.
type cursor struct {
	Order    []order  `json:"orderFields"`
	Previous bool     `json:"isPrevious"`
	Filter   []string `json:"filter"`
	After    []string `json:"orderFieldValues"` // the position: value and uid, or only uid without an order
	First    []string `json:"firstSortFieldValues"`
	Total    int      `json:"totalItems"`
	Page     int      `json:"page"`
}

type order struct {
	Field     string `json:"field"`
	Direction string `json:"order,omitempty"`
}

func (c cursor) String() string {
	b, err := codec.Marshal(c)
	if err != nil { // strings and numbers only
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func parseCursor(text string) (cursor, error) {
	var c cursor
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return c, err
	}
	if err := codec.Unmarshal(b, &c); err != nil {
		return c, err
	}
	if n := len(c.After); n == 0 || n > 2 || len(c.Order) != n-1 {
		return c, fmt.Errorf("required: orderFields, orderFieldValues")
	}
	return c, nil
}

// field is the field that orders the read, "" for the uid.
func (c cursor) field() string {
	if len(c.Order) == 0 {
		return ""
	}
	return c.Order[0].Field
}

func (c cursor) descending() bool { return len(c.Order) > 0 && c.Order[0].Direction == "desc" }

// place is the row's place in the cursor's order, as the cursor holds it.
func (c cursor) place(r row) []string {
	if len(c.Order) == 0 {
		return []string{r.uid}
	}
	return []string{r.value, r.uid}
}

// row returns the cursor's position as a row, for comparison.
func (c cursor) row() row {
	return row{value: c.After[0], entry: &entry{uid: c.After[len(c.After)-1]}}
}
