package postgres

import (
	"testing"
	"time"
)

// Silence makes holders ask nothing until the test ends, as processes that are stopped.
func Silence(t *testing.T) {
	silent.Store(true)
	t.Cleanup(func() { silent.Store(false) })
}

// Patient sets how long operations of a store are tried again.
func Patient(s *Store, limit time.Duration) { s.patience = limit }
