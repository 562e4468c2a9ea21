package glean

// The streams, as the lists of bulk requests are called. memberships is not one
// of the file's: it is made of the groups.
const (
	streamUsers       = "users"
	streamGroups      = "groups"
	streamMemberships = "memberships"
	streamDocuments   = "documents"
)

// streamNames are the streams in the order of publishing.
var streamNames = []string{streamUsers, streamGroups, streamMemberships, streamDocuments}
