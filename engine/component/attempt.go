package component

import "time"

// Attempt is an attempt of a request that has ended, for metrics and traces. It has no texts but
// the names of kinds and streams.
type Attempt struct {
	Method string
	Number int // from 1
	Status int // 0 when there was no response
	Began  time.Time
	// Sent and Received are the sizes of the bodies in bytes, uncompressed. Received is 0 unless the
	// response was accepted.
	Sent, Received int
	// Part is the page that the request reads or uploads; nil for other requests.
	Part *Part
}

// Part is a page of a listing of the source, or of an upload to the sink.
type Part struct {
	// Name is PartPage or PartUpload.
	Name string
	// Kind is the kind of the records, or the stream of the items.
	Kind string
	// Number is that of the page, from 1. A page that is requested in parts has one number.
	Number int
	// Records is the number of records or items in the page; 0 while it is not known.
	Records int
}

// The names of parts.
const (
	PartPage   = "page"
	PartUpload = "upload"
)
