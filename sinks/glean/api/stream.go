package api

// The streams, named as the lists of bulk requests. The pipeline file has no memberships:
// they are derived from the groups.
const (
	StreamUsers       = "users"
	StreamGroups      = "groups"
	StreamMemberships = "memberships"
	StreamDocuments   = "documents"
)

// StreamNames are the streams in the order of publishing.
var StreamNames = []string{StreamUsers, StreamGroups, StreamMemberships, StreamDocuments}
