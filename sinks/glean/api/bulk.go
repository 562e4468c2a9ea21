package api

// Page is what every page of a bulk upload carries. An upload is the pages that
// share an UploadID, from the one with IsFirstPage to the one with IsLastPage;
// it replaces all that the datasource holds of its kind.
type Page struct {
	UploadID           string `json:"uploadId"`
	IsFirstPage        bool   `json:"isFirstPage,omitzero"`
	IsLastPage         bool   `json:"isLastPage,omitzero"`
	ForceRestartUpload bool   `json:"forceRestartUpload,omitzero"` // first page only: discards an unfinished upload
	Datasource         string `json:"datasource"`
}

// BulkIndexDocumentsRequest is a page of documents. The flag is set only on the last page,
// and lifts the guard on the number of deleted documents.
type BulkIndexDocumentsRequest struct {
	Page
	Documents                         []Document `json:"documents"`
	DisableStaleDocumentDeletionCheck bool       `json:"disableStaleDocumentDeletionCheck,omitzero"`
}

// BulkIndexUsersRequest is a page of users; the flag is as for documents.
type BulkIndexUsersRequest struct {
	Page
	Users                         []User `json:"users"`
	DisableStaleDataDeletionCheck bool   `json:"disableStaleDataDeletionCheck,omitzero"`
}

// BulkIndexGroupsRequest is a page of groups; the flag is as for documents.
type BulkIndexGroupsRequest struct {
	Page
	Groups                        []Group `json:"groups"`
	DisableStaleDataDeletionCheck bool    `json:"disableStaleDataDeletionCheck,omitzero"`
}

// BulkIndexMembershipsRequest is a page of the members of one group. The upload replaces
// that group's members; Glean has no guard on the number of removed ones.
type BulkIndexMembershipsRequest struct {
	Page
	Group       string       `json:"group"`
	Memberships []Membership `json:"memberships"`
}
