package api

// Each of the requests below is about one item. A Version other than 0 guards against
// overwriting a newer one; Glean then answers 409. Deleting a missing item succeeds.

// IndexDocumentRequest adds or replaces a document.
type IndexDocumentRequest struct {
	Version  int64    `json:"version,omitzero"`
	Document Document `json:"document"`
}

// IndexDocumentsRequest adds or replaces documents and deletes none; UploadID is only for
// tracking. Glean accepts 600 documents a minute this way.
type IndexDocumentsRequest struct {
	UploadID   string     `json:"uploadId,omitzero"`
	Datasource string     `json:"datasource"`
	Documents  []Document `json:"documents"`
}

// UpdatePermissionsRequest replaces the permissions of a document, named by id or, if it was
// uploaded without one, by ViewURL.
type UpdatePermissionsRequest struct {
	Datasource  string      `json:"datasource"`
	ObjectType  string      `json:"objectType,omitzero"`
	ID          string      `json:"id,omitzero"`
	ViewURL     string      `json:"viewURL,omitzero"`
	Permissions Permissions `json:"permissions"`
}

// DeleteDocumentRequest deletes a document.
type DeleteDocumentRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	ObjectType string `json:"objectType"`
	ID         string `json:"id"`
}

// IndexUserRequest adds or replaces a user.
type IndexUserRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	User       User   `json:"user"`
}

// DeleteUserRequest deletes a user and its memberships.
type DeleteUserRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	Email      string `json:"email"`
}

// IndexGroupRequest adds a group.
type IndexGroupRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	Group      Group  `json:"group"`
}

// DeleteGroupRequest deletes a group with the memberships of and in it.
type DeleteGroupRequest struct {
	Version    int64  `json:"version,omitzero"`
	Datasource string `json:"datasource"`
	GroupName  string `json:"groupName"`
}

// GroupMembership is Glean's DatasourceMembershipDefinition: a Membership with
// its group.
type GroupMembership struct {
	GroupName string `json:"groupName"`
	Membership
}

// IndexMembershipRequest adds a member to a group.
type IndexMembershipRequest struct {
	Version    int64           `json:"version,omitzero"`
	Datasource string          `json:"datasource"`
	Membership GroupMembership `json:"membership"`
}
