package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
)

func TestExpire(t *testing.T) {
	s := open(t)
	now := time.Now()
	s.Clock(func() time.Time { return now })
	s.set(all, component.Scope{}, "page:a/1", "page:a/2")
	s.set(all, component.Scope{}, "page:a/1")
	old, err := s.Begin(t.Context(), pages, component.Scope{}, "old")
	if err != nil {
		t.Fatal(err)
	}
	s.append(pages, old.ID, records("page:a/3"))
	now = now.Add(time.Hour)
	young := s.begin(pages, component.Scope{})
	s.append(pages, young, records("page:a/4"))

	now = now.Add(23*time.Hour - time.Second)
	if got, err := s.Expire(t.Context()); err != nil || len(got.Sets) > 0 || got.Keys > 0 {
		t.Errorf("too early: %+v, %v", got, err)
	}
	if n := s.Rows(t, "bodies"); n != 3 || s.Rows(t, "garbage") != 0 {
		t.Errorf("%d bodies for 3 records", n)
	}
	now = now.Add(time.Second)
	_, err = s.Commit(t.Context(), pages, old.ID, 1, "") // also without Expire
	refused(t, err, component.PushUnknown, 0, "no open set")
	if got, err := s.Expire(t.Context()); err != nil || strings.Join(got.Sets, " ") != old.ID || got.Keys > 0 {
		t.Errorf("after 24 hours: %+v, %v", got, err)
	}
	if n := s.Rows(t, "bodies"); n != 2 || s.Rows(t, "staged") != 1 {
		t.Errorf("%d bodies for 2 records", n)
	}
	if _, err := s.Commit(t.Context(), pages, young, 1, ""); err != nil {
		t.Errorf("the younger set: %v", err)
	}
	s.wants("page:a/4")

	now = now.Add(6*24*time.Hour - time.Second)
	if again, err := s.Begin(t.Context(), pages, component.Scope{}, "old"); err != nil || again.ID != old.ID {
		t.Errorf("the key before seven days: %+v, %v", again, err)
	}
	now = now.Add(time.Second)
	if got, err := s.Expire(t.Context()); err != nil || got.Keys != 1 {
		t.Errorf("after seven days: %+v, %v", got, err)
	}
	if again, err := s.Begin(t.Context(), pages, component.Scope{}, "old"); err != nil || again.ID == old.ID ||
		again.Replayed {
		t.Errorf("the key after seven days: %+v, %v", again, err)
	}
	now = now.Add(8 * 24 * time.Hour)
	if _, err := s.Expire(t.Context()); err != nil || s.Rows(t, "changes") != 1 {
		t.Errorf("%d changes are kept, want the last, %v", s.Rows(t, "changes"), err)
	}
	if got, err := s.Stats(t.Context()); err != nil || got.By != "pages" || got.Generation != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestUnfinishedAppend: what a process staged before it ended does not count, is not in the way
// of the repeated append, and is removed.
func TestUnfinishedAppend(t *testing.T) {
	s := open(t)
	now := time.Now()
	s.Clock(func() time.Time { return now })
	id := s.begin(pages, component.Scope{})
	s.Stage(t, pages, id, records("page:a/1", "page:a/2"))
	if got := s.append(pages, id, records("page:a/1", "page:a/2")); got.Total != 2 {
		t.Errorf("%+v", got)
	}
	s.Stage(t, pages, id, records("page:a/5"))
	now = now.Add(15*time.Minute + time.Second)
	if _, err := s.Expire(t.Context()); err != nil || s.Rows(t, "staged") != 2 || s.Rows(t, "bodies") != 2 {
		t.Errorf("%d rows are staged, %d bodies, %v", s.Rows(t, "staged"), s.Rows(t, "bodies"), err)
	}
	s.Stage(t, pages, id, records("page:a/6"))
	if _, err := s.Commit(t.Context(), pages, id, 2, ""); err != nil {
		t.Error(err)
	}
	s.wants("page:a/1 page:a/2")
	if _, err := s.Expire(t.Context()); err != nil || s.Rows(t, "bodies") != 2 ||
		s.Rows(t, "staged")+s.Rows(t, "parts") != 0 {
		t.Errorf("%d bodies, %v", s.Rows(t, "bodies"), err)
	}
}
