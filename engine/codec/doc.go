// Package codec reads and writes all JSON of the program, which makes the library replaceable.
// It decodes leniently (the last of duplicate names wins; lone surrogates, which Node writes,
// become U+FFFD) and encodes strictly: sorted names, nil slices and maps as [] and {}, no HTML
// escapes.
//
// The library is go-json-experiment/json, the future encoding/json/v2.
package codec
