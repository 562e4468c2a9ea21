package sandbox

import "time"

// Rules are the worse readings of what Glean's documents leave open.
type Rules struct {
	VisibleBeforeLastPage   bool // each page can be found immediately, not only when its upload is closed
	RefuseUnknownPrincipals bool // permissions and memberships may name only users and groups that were uploaded
	// an id twice in a page, or in other case in an upload, is refused; else the last one wins
	StrictIDs             bool
	RefuseReusedUploadIDs bool // the id of an upload that was closed cannot start another
	ConflictIsBadRequest  bool // an unfinished upload is a 400 and not a 409
	// a first page with the open upload's own id discards its contents; otherwise it is a
	// conflict
	SameIDBeginsAnew  bool
	Scope             Scope         // what an unfinished upload blocks
	GroupsIgnoreCase  bool          // names of groups are compared without regard to case
	EchoCustomNames   bool          // getdatasourceconfig returns CUSTOM_BACKSTAGE for backstage
	EchoDefaults      bool          // getdatasourceconfig fills in defaults
	MissingIsNotFound bool          // a datasource that is not there is a 404 and not a 400
	UploadsLive       time.Duration // how long an upload may stay unfinished; 0: for ever
	// a deleted document is NOT_UPLOADED immediately, and INDEXED until its deletion takes
	// effect
	DeletedIsNotUploaded bool
	DocumentsTake        time.Duration // from a change of documents to its effect, unless processing is requested
	IdentitiesTake       time.Duration // likewise of users, groups and memberships
	StatusLags           time.Duration // how old the uploads and counts of a status are
	CountsLag            time.Duration // how much older the counts are than the uploads
}

// Scope is where at most one upload may be unfinished.
type Scope uint8

// The scopes, from the one that Glean's status suggests to the worst.
const (
	OfStream     Scope = iota // each stream, and each group's memberships
	OfKind                    // each stream; all memberships are one
	OfDatasource              // the datasource
)

// Reading is one way to read Glean's documents.
type Reading struct {
	Name  string
	Rules Rules
}

// Readings are the rules under which the clients of the server must be correct: the mild
// ones, each worse one alone, and all of them. Rules about time need a test's own clock and
// are left out.
func Readings() []Reading {
	worst := Rules{
		VisibleBeforeLastPage: true, RefuseUnknownPrincipals: true, StrictIDs: true, RefuseReusedUploadIDs: true,
		ConflictIsBadRequest: true,
		SameIDBeginsAnew:     true, Scope: OfDatasource, GroupsIgnoreCase: true, EchoCustomNames: true, EchoDefaults: true,
		MissingIsNotFound: true, DeletedIsNotUploaded: true,
	}
	return []Reading{
		{"mild", Rules{}},
		{"pages are found at once", Rules{VisibleBeforeLastPage: true}},
		{"unknown principals are refused", Rules{RefuseUnknownPrincipals: true}},
		{"ids are strict", Rules{StrictIDs: true}},
		{"upload ids are used once", Rules{RefuseReusedUploadIDs: true}},
		{"a conflict is a bad request", Rules{ConflictIsBadRequest: true}},
		{"a first page again begins anew", Rules{SameIDBeginsAnew: true}},
		{"one upload of a kind", Rules{Scope: OfKind}},
		{"one upload of a datasource", Rules{Scope: OfDatasource}},
		{"groups ignore case", Rules{GroupsIgnoreCase: true}},
		{"names have a prefix", Rules{EchoCustomNames: true}},
		{"defaults are spelt out", Rules{EchoDefaults: true}},
		{"what is missing is not found", Rules{MissingIsNotFound: true}},
		{"a deleted document is not uploaded", Rules{DeletedIsNotUploaded: true}},
		{"all of them", worst},
	}
}
