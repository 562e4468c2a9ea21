package access

// Audience is who finds a document, as a class, from nobody to everyone. The
// zero value says that nobody has decided yet and is never sent (invariant 2).
type Audience uint8

const (
	Undecided       Audience = iota
	Nobody                   // withheld: does not leave
	Listed                   // the people and groups that are named
	DatasourceUsers          // everybody who was uploaded as a user of the datasource
	AllUsers                 // everybody who can sign in to the sink
)

// Audiences is every class that a decision can have, narrowest first.
var Audiences = [...]Audience{Nobody, Listed, DatasourceUsers, AllUsers}

// String is the word for the class in the file, the report and the log.
func (a Audience) String() string {
	return [...]string{"undecided", "nobody", "listed", "datasource-users", "all-users"}[a]
}

// Permissions is the decision on who finds a document.
type Permissions struct {
	Audience Audience
	// Rule is the name of the rule that decided, or "default".
	Rule string
	// Principals are refs of users and groups, only with Listed. The
	// sink resolves them against what the identities phase delivered.
	Principals []string
	// AllOf are sets of refs of groups, only with Listed: who is in every group of
	// one of them finds it, beside the Principals. No set is empty.
	AllOf [][]string
}

// ParseAudience is the class that a word means; a word nobody knows is the
// narrowest, so that everything is wider.
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

// MarshalText lets a map of audiences be a JSON object with their words.
func (a Audience) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
