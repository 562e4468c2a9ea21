package state

// Resetter is the optional capability of a store to remove the state of a place that is damaged.
type Resetter interface {
	// Reset removes all files of a place, also damaged ones, except the one named keep if it was
	// written by this program. The next holder waits as after a lost one. Reset returns ErrHeld while
	// the place is held.
	Reset(place, keep string) (Kept, error)
}

// Kept is what Reset could keep of a file.
type Kept int

// What Reset kept.
const (
	KeptNone   Kept = iota // there was none
	KeptLatest             // its content
	KeptOlder              // content that this program wrote; that it is the latest is not proven
	KeptLost               // nothing: it is damaged, or was removed
)
