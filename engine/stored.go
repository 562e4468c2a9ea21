package engine

// Stored is an item as it is read back from what a session encoded.
type Stored struct {
	// ID is that of Encoded.
	ID string
	// Type is the object type, "" in streams that have none.
	Type string
	// Title is what a person calls it, "" when it has none.
	Title string
	// Audience and Principals are those of Encoded.
	Audience   Audience
	Principals []string
	// Fields are the rest by the names that mappings use: strings, numbers,
	// lists, and a map for properties.
	Fields map[string]any
}

// Decoder is the optional ability of a sink to read the Body of an item back,
// so that two of them can be compared. It is called from one goroutine at a time.
type Decoder interface {
	Decode(stream string, body []byte) (Stored, error)
}
