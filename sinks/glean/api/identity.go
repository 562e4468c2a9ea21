package api

// User is Glean's DatasourceUserDefinition. A nil IsActive means active.
type User struct {
	Email    string `json:"email"`
	UserID   string `json:"userId,omitzero"`
	Name     string `json:"name"`
	IsActive *bool  `json:"isActive,omitzero"`
}

// Group is Glean's DatasourceGroupDefinition. A name is not empty, holds no
// white space and does not start with ReservedGroupPrefix.
type Group struct {
	Name string `json:"name"`
}

// ReservedGroupPrefix starts the names of Glean's own groups.
const ReservedGroupPrefix = "scio"

// Membership is Glean's DatasourceBulkMembershipDefinition: exactly one of its members is
// set. MemberUserID is an e-mail address if the datasource has isUserReferencedByEmail.
type Membership struct {
	MemberUserID    string `json:"memberUserId,omitzero"`
	MemberGroupName string `json:"memberGroupName,omitzero"`
}
