// Package placeholder fills in the placeholders of entities as people write them
// ($text, $json, $yaml, $openapi and $asyncapi), which Backstage does when it reads
// a catalog file. It reads regular files below the folder of that file alone, links
// followed, and never asks an address; what it does not read becomes a text that
// says so.
//
// Where Backstage puts the references of an $openapi document together, the file
// stays as it is.
package placeholder
