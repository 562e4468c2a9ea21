package api

// The streams, as the lists of bulk requests are called. memberships is not one
// of the file's: it is made of the groups.
const (
	StreamUsers       = "users"
	StreamGroups      = "groups"
	StreamMemberships = "memberships"
	StreamDocuments   = "documents"
)

// StreamNames are the streams in the order of publishing.
var StreamNames = []string{StreamUsers, StreamGroups, StreamMemberships, StreamDocuments}
