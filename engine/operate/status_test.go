package operate

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// inspected is a store that reports what it holds.
type inspected struct {
	*fake.Store
	answers []component.Inspection // the last one is repeated
	item    component.ItemInspection
}

func (s *inspected) Inspect(context.Context) (*component.Inspection, error) {
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return &answer, nil
}

func (s *inspected) InspectItem(context.Context, component.ItemQuery) (*component.ItemInspection, error) {
	item := s.item
	return &item, nil
}

// TestInspectPlace: unprocessed uploads are an error only with a wait; a paused deletion always
// is one.
func TestInspectPlace(t *testing.T) {
	done := component.Inspection{History: &component.UploadHistory{By: "Glean"}}
	pending, paused := done, done
	pending.Pending, paused.Paused = []string{"documents"}, []string{"users"}
	for name, tc := range map[string]struct {
		answers []component.Inspection
		wait    time.Duration
		says    string
	}{
		"processed":     {[]component.Inspection{done}, time.Minute, ""},
		"not processed": {[]component.Inspection{pending}, 0, ""},
		"not in time": {[]component.Inspection{pending}, time.Nanosecond,
			"Glean has not processed everything within 1ns: documents"},
		"after a while": {[]component.Inspection{pending, done}, time.Minute, ""},
		"paused":        {[]component.Inspection{paused}, 0, "Glean has paused the deletion of users"},
		"paused while waiting": {[]component.Inspection{pending, paused}, time.Minute,
			"Glean has paused the deletion of users"},
	} {
		s, err := InspectPlace(t.Context(), &inspected{Store: newWorld(t).Store, answers: tc.answers}, nil, tc.wait)
		unconfirmed := new(*fault.Unconfirmed)
		if s == nil || (err != nil) != (tc.says != "") ||
			err != nil && (!errors.As(err, unconfirmed) || err.Error() != tc.says) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if _, err := InspectPlace(t.Context(), newWorld(t).Store, nil, 0); err == nil {
		t.Error("a sink that does not tell")
	}
}

// TestInspectItem: what the sink has of a document is compared with what the pipeline would
// send now.
func TestInspectItem(t *testing.T) {
	for name, tc := range map[string]struct {
		fate, audience string
		uploaded       string
		same           string // "" when it is not known
		wait           time.Duration
		says           string
	}{
		"the same":        {"fine", "all-users", "yes", "true", 0, ""},
		"not uploaded":    {"fine", "all-users", "no", "", 0, ""},
		"withheld now":    {"private", "", "yes", "false", 0, ""},
		"and not indexed": {"fine", "all-users", "yes", "true", time.Nanosecond, "has not indexed component:default/c000"},
	} {
		w := newWorld(t)
		w.Components(1, tc.fate)
		w.Add("identities", "user", "sam", "fine")
		w.Unread = w.Records["catalog"]
		item := component.ItemInspection{Uploaded: tc.uploaded, Audience: 4}
		w.P.Sink = &inspected{Store: w.Store, item: item}
		o := ItemStatusOptions{Wait: tc.wait,
			SelectOptions: SelectOptions{Refs: []string{"component:default/c000"}, RunID: "r"}}
		s, err := InspectItem(t.Context(), w.P, o)
		if s == nil || (err != nil) != (tc.says != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %+v, %v", name, s, err)
			continue
		}
		same := ""
		if s.Same != nil {
			same = map[bool]string{true: "true", false: "false"}[*s.Same]
		}
		if same != tc.same || s.Pipeline.Audience != tc.audience {
			t.Errorf("%s: same %q, the pipeline's %q", name, same, s.Pipeline.Audience)
		}
	}
}
