package api

// DatasourceStatus is Glean's DebugDatasourceStatusResponse.
type DatasourceStatus struct {
	Documents            DocumentsStatus `json:"documents"`
	Identity             IdentityStatus  `json:"identity"`
	DatasourceVisibility string          `json:"datasourceVisibility,omitzero"`
}

// The values of DatasourceStatus.DatasourceVisibility.
const (
	VisibilityAll       = "ENABLED_FOR_ALL"
	VisibilityTestGroup = "ENABLED_FOR_TEST_GROUP"
	VisibilityNone      = "NOT_ENABLED"
)

// DocumentsStatus is the part of the status about documents.
type DocumentsStatus struct {
	BulkUploadHistory []BulkUpload      `json:"bulkUploadHistory"`
	Counts            DocumentCounts    `json:"counts"`
	ProcessingHistory []ProcessingEvent `json:"processingHistory"`
}

// DocumentCounts are per object type, nil: the answer has none; uploaded may be
// three hours old.
type DocumentCounts struct {
	Uploaded []TypeCount `json:"uploaded"`
	Indexed  []TypeCount `json:"indexed"`
}

// TypeCount counts the documents of one object type; nil: the answer does not.
type TypeCount struct {
	ObjectType string `json:"objectType"`
	Count      *int   `json:"count"`
}

// IdentityStatus is the part of the status about users, groups and memberships.
type IdentityStatus struct {
	ProcessingHistory []ProcessingEvent `json:"processingHistory"`
	Users             StreamStatus      `json:"users"`
	Groups            StreamStatus      `json:"groups"`
	Memberships       StreamStatus      `json:"memberships"`
}

// StreamStatus is the state of one kind of identity data.
type StreamStatus struct {
	BulkUploadHistory []BulkUpload `json:"bulkUploadHistory"`
	Counts            StreamCounts `json:"counts"`
}

// StreamCounts counts the uploaded items; nil means that the answer has no count.
type StreamCounts struct {
	Uploaded *int `json:"uploaded"`
}

// BulkUpload is an active or recent upload. Times are ISO 8601; EndTime is "NA"
// while the upload is active.
type BulkUpload struct {
	UploadID        string `json:"uploadId"`
	StartTime       string `json:"startTime"`
	EndTime         string `json:"endTime"`
	Status          string `json:"status"`
	ProcessingState string `json:"processingState"`
}

// The values of BulkUpload.Status.
const (
	UploadActive     = "ACTIVE"
	UploadSuccessful = "SUCCESSFUL"
)

// The values of BulkUpload.ProcessingState.
const (
	StateUnavailable       = "UNAVAILABLE"
	StateUploadStarted     = "UPLOAD STARTED"
	StateUploadInProgress  = "UPLOAD IN PROGRESS"
	StateUploadCompleted   = "UPLOAD COMPLETED"
	StateDeletionPaused    = "DELETION PAUSED"
	StateIndexingCompleted = "INDEXING COMPLETED"
)

// ProcessingEvent is one processing run; EndTime is "NA" until it ends.
type ProcessingEvent struct {
	StartTime string `json:"startTime"`
	EndTime   string `json:"endTime"`
}

// The values of the status members below.
const (
	Uploaded      = "UPLOADED"
	NotUploaded   = "NOT_UPLOADED"
	Indexed       = "INDEXED"
	NotIndexed    = "NOT_INDEXED"
	StatusUnknown = "STATUS_UNKNOWN"
)

// DebugDocumentRequest names a document.
type DebugDocumentRequest struct {
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
}

// DebugDocumentResponse is Glean's state of a document.
type DebugDocumentResponse struct {
	Status              DocumentStatus `json:"status"`
	UploadedPermissions *Permissions   `json:"uploadedPermissions,omitzero"`
}

// DocumentStatus is Glean's DocumentStatusResponse; times are ISO 8601.
type DocumentStatus struct {
	UploadStatus             string `json:"uploadStatus"`
	LastUploadedAt           string `json:"lastUploadedAt,omitzero"`
	IndexingStatus           string `json:"indexingStatus"`
	LastIndexedAt            string `json:"lastIndexedAt,omitzero"`
	PermissionIdentityStatus string `json:"permissionIdentityStatus"` // NOT_UPLOADED: a principal is unknown
}

// DebugDocumentsRequest names many documents.
type DebugDocumentsRequest struct {
	DebugDocuments []DebugDocumentRequest `json:"debugDocuments"`
}

// DebugDocumentsResponse answers in the order of the request.
type DebugDocumentsResponse struct {
	DocumentStatuses []DebugDocumentsItem `json:"documentStatuses"`
}

// DebugDocumentsItem is one answer of DebugDocumentsResponse.
type DebugDocumentsItem struct {
	DocID      string                `json:"docId"`
	ObjectType string                `json:"objectType"`
	DebugInfo  DebugDocumentResponse `json:"debugInfo"`
}

// DebugUserRequest names a user.
type DebugUserRequest struct {
	Email string `json:"email"`
}

// DebugUserResponse is Glean's state of a user.
type DebugUserResponse struct {
	Status         UserStatus `json:"status"`
	UploadedGroups []Group    `json:"uploadedGroups"`
}

// UserStatus is Glean's UserStatusResponse.
type UserStatus struct {
	IsActiveUser   bool   `json:"isActiveUser"`
	UploadStatus   string `json:"uploadStatus"`
	LastUploadedAt string `json:"lastUploadedAt,omitzero"`
}

// CheckDocumentAccessRequest asks whether a user finds a document.
type CheckDocumentAccessRequest struct {
	Datasource string `json:"datasource"`
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
	UserEmail  string `json:"userEmail"`
}

// CheckDocumentAccessResponse is the answer.
type CheckDocumentAccessResponse struct {
	HasAccess bool `json:"hasAccess"`
}
