package api

// ProcessAllDocumentsRequest starts the processing of uploaded documents, of all datasources
// if it names none. Glean accepts one such call in three hours for a datasource, and one for
// all; a call for all blocks every datasource.
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

// RotateTokenResponse is the new secret of the token that made the request. The old one
// works for ten more minutes. CreatedAt is in epoch seconds; the next rotation is due
// RotationPeriodMinutes later.
type RotateTokenResponse struct {
	RawSecret             string `json:"rawSecret"`
	CreatedAt             int64  `json:"createdAt"`
	RotationPeriodMinutes int64  `json:"rotationPeriodMinutes"`
}
