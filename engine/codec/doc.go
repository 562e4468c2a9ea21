// Package codec is the one place where JSON is read and written, so that the
// library behind it can change. It decodes leniently (duplicate names: the
// last wins; lone surrogates become U+FFFD, as Node writes them) and encodes
// strictly: names sorted, nil slices and maps as [] and {}, no HTML escapes.
//
// The library is go-json-experiment/json, the coming encoding/json/v2.
package codec
