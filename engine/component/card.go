package component

import "time"

// Card is what people see of an item in the results of a search.
type Card struct {
	Title string
	// Type is the object type in the words that people see.
	Type string
	// Owner is a user, as in Encoded.Principals; "" for none.
	Owner   string
	URL     string
	Updated time.Time
	// Text is everything else that a search looks at.
	Text       string
	Properties []CardProperty
}

// CardProperty is a named value of a Card.
type CardProperty struct {
	Name, Label string
	Values      []string
	Shown       bool // in the results
	Facet       bool // results can be filtered by it
}

// Presenter is the optional capability of a sink to return what people see of an item. It is
// called from one goroutine at a time.
type Presenter interface {
	Card(stream string, body []byte) (Card, error)
}
