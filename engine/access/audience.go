package access

import (
	"fmt"
	"slices"
)

// Audience is the class of people who find a document, from none to everyone. The zero value,
// Undecided, is never sent (invariant 2).
type Audience uint8

const (
	Undecided       Audience = iota
	Nobody                   // withheld: not sent
	Listed                   // the users and groups that the document names
	DatasourceUsers          // all users that were delivered to the datasource
	AllUsers                 // everyone who can sign in to the sink
)

// Audiences lists the classes that a decision can have, narrowest first.
var Audiences = [...]Audience{Nobody, Listed, DatasourceUsers, AllUsers}

// String returns the word for the class in the pipeline file, the report and the log.
func (a Audience) String() string {
	return audienceNames[a]
}

var audienceNames = [...]string{"undecided", "nobody", "listed", "datasource-users", "all-users"}

// Permissions is the decision on who finds a document.
type Permissions struct {
	Audience Audience
	// Rule is the name of the rule that decided, or "default".
	Rule string
	// Principals are refs of users and groups, only with Listed. The sink resolves them with
	// the delivered identities.
	Principals []string
	// AllOf are sets of refs of groups, only with Listed. People who are in every group of a
	// set find the document, in addition to the Principals. No set is empty.
	AllOf [][]string
}

// ParseAudience returns the class for a word. An unknown word gives the narrowest class, which
// makes every other class count as wider.
func ParseAudience(word string) Audience {
	if word == "" {
		return Undecided
	}
	for _, a := range Audiences {
		if a.String() == word {
			return a
		}
	}
	return Nobody
}

// MarshalText returns the word for the class, which makes it usable as a key of a JSON object.
func (a Audience) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText returns.
func (a *Audience) UnmarshalText(text []byte) error {
	i := slices.Index(audienceNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is not an audience", text)
	}
	*a = Audience(i)
	return nil
}
