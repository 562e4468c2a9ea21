package encode

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/sinks/glean/internal/listing"
)

// skipped counts what was left out of documents, by what it was.
type skipped struct {
	mu            sync.Mutex
	principals    map[string]int // refs that permissions name and nobody delivered
	inactive      map[string]int // refs of users in permissions who are not active
	intersections map[string]int // sets of groups that were left out, with the reason
	waiting       map[string]int // groups without an active user, whose documents no user finds
	owners        map[string]int // refs of owner, author, updatedBy that are no delivered user
	containers    map[string]int // object types of containers that are not defined
	needUsers     atomic.Int64   // documents that only delivered users find
}

func newSkipped() *skipped {
	return &skipped{principals: map[string]int{}, inactive: map[string]int{}, intersections: map[string]int{},
		waiting: map[string]int{}, owners: map[string]int{}, containers: map[string]int{}}
}

func (t *skipped) count(in map[string]int, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, counted := in[what]; !counted {
		what = strings.Clone(what) // it may be a part of a record
	}
	in[what]++
}

// notes are the counts as sentences; users is how many refs of active users
// resolve.
func (t *skipped) notes(users int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	if n := t.needUsers.Load(); n > 0 && users == 0 {
		out = append(out, fmt.Sprintf("no active user with an e-mail was delivered, so that nobody will find %s that only "+
			"users of the datasource may find", listing.Documents(int(n))))
	}
	if len(t.principals) > 0 {
		out = append(out, fmt.Sprintf("permissions name %s that nobody delivered as a user or group, who were left out: %s",
			listing.Refs(len(t.principals)), ranking(t.principals)))
	}
	if len(t.inactive) > 0 {
		out = append(out, fmt.Sprintf("permissions name %s that are users who are not active, who were left out: %s",
			listing.Refs(len(t.inactive)), ranking(t.inactive)))
	}
	if n := len(t.intersections); n > 0 {
		out = append(out, fmt.Sprintf("all_of was left out whole where it names something else than a group that was "+
			"delivered: %s", ranking(t.intersections)))
	}
	if n := len(t.waiting); n > 0 {
		out = append(out, fmt.Sprintf("documents wait for %s without an active user in Glean, and no user finds them "+
			"until it has one: %s", listing.GroupCount(n), ranking(t.waiting)))
	}
	if len(t.owners) > 0 {
		out = append(out, fmt.Sprintf("owner, author or updatedBy name %s that nobody delivered as a user, and were left "+
			"out: %s", listing.Refs(len(t.owners)), ranking(t.owners)))
	}
	if len(t.containers) > 0 {
		out = append(out, fmt.Sprintf("containerObjectType was left out where it is not under "+
			"datasource.objectDefinitions: %s", ranking(t.containers)))
	}
	return out
}

// ranking lists the most frequent first.
func ranking(counts map[string]int) string {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = fmt.Sprintf("%s in %s", k, listing.Documents(counts[k]))
	}
	return display.List(texts, 5, "; ")
}
