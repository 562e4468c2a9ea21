package api

// DebugDocumentLifecycleRequest requests the events of a document since StartDate, a day as
// 2026-08-22. Glean accepts one such request a minute for a datasource.
type DebugDocumentLifecycleRequest struct {
	ObjectType string `json:"objectType"`
	DocID      string `json:"docId"`
	StartDate  string `json:"startDate,omitzero"` // at most 30 days back; 7 when it is left out
	MaxEvents  int    `json:"maxEvents,omitzero"` // at most 100; 20 when it is left out
}

// DebugDocumentLifecycleResponse is what happened.
type DebugDocumentLifecycleResponse struct {
	LifeCycleEvents []LifeCycleEvent `json:"lifeCycleEvents"`
}

// LifeCycleEvent is one thing that happened, at an ISO 8601 time.
type LifeCycleEvent struct {
	Event     string `json:"event"`
	Timestamp string `json:"timestamp"`
}

// The values of LifeCycleEvent.Event.
const (
	EventUploaded          = "UPLOADED"
	EventIndexed           = "INDEXED"
	EventDeletionRequested = "DELETION_REQUESTED"
	EventDeleted           = "DELETED"
)
