package servetest

import (
	"fmt"
	"strings"
)

// WikiPeople are records for the example pipeline wiki: Ann, Bob, and the team of Ann.
const WikiPeople = `{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}
{"id":"bob","kind":"person","name":"Bob","mail":"bob@example.com"}
{"id":"payments","kind":"team","name":"Payments","members":["ann"]}
`

// WikiPages returns n pages for the example pipeline wiki; the first ones are restricted to the team
// of Ann.
func WikiPages(n, restricted int) string {
	var out strings.Builder
	for i := range n {
		access := `"public":true`
		if i < restricted {
			access = `"readers":["payments"]`
		}
		fmt.Fprintf(&out, `{"id":"page-%d","kind":"page","name":"Page %d",%s}`+"\n", i, i, access)
	}
	return out.String()
}
