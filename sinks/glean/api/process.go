package api

// ProcessAllDocumentsRequest has uploaded documents processed now, those of all
// datasources where it names none. Glean takes one such call in three hours for
// a datasource, and one for all; one for all blocks every datasource.
type ProcessAllDocumentsRequest struct {
	Datasource string `json:"datasource,omitzero"`
}

// ProcessAllMembershipsRequest has uploaded memberships processed now.
type ProcessAllMembershipsRequest struct {
	Datasource string `json:"datasource,omitzero"`
}

// GreenlistUsersRequest is the request of betausers: it makes a datasource visible to some
// people. Glean does not document whether they replace the people of earlier requests, and
// has no request that lists them.
type GreenlistUsersRequest struct {
	Datasource string   `json:"datasource"`
	Emails     []string `json:"emails"`
}

// RotateTokenResponse is the new secret of the token that the request was made
// with. The old one works for ten minutes more. CreatedAt is in epoch seconds;
// the token has to be rotated again before RotationPeriodMinutes have passed
// since.
type RotateTokenResponse struct {
	RawSecret             string `json:"rawSecret"`
	CreatedAt             int64  `json:"createdAt"`
	RotationPeriodMinutes int64  `json:"rotationPeriodMinutes"`
}
