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

// skipped counts the refs and values that were left out of documents, by kind.
type skipped struct {
	mu            sync.Mutex
	principals    map[string]int // refs in permissions that were not delivered
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

// notes returns the counts as sentences; users is how many refs of active users resolve.
func (t *skipped) notes(users int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	if n := t.needUsers.Load(); n > 0 && users == 0 {
		out = append(out, fmt.Sprintf("no active user with an e-mail is among the items of this run: no one will "+
			"find %s that only datasource users may find", listing.Documents(int(n))))
	}
	if n := len(t.principals); n > 0 {
		out = append(out, fmt.Sprintf("permissions name %s: %s", leftOutRefs(n, "", unknownRef, unknownRefs),
			ranking(t.principals)))
	}
	if n := len(t.inactive); n > 0 {
		out = append(out, fmt.Sprintf("permissions name %s: %s", leftOutRefs(n, "", inactiveRef, inactiveRefs),
			ranking(t.inactive)))
	}
	if n := len(t.intersections); n > 0 {
		out = append(out, fmt.Sprintf("all_of was left out where it names a ref that is not a delivered group: %s",
			ranking(t.intersections)))
	}
	if n := len(t.waiting); n > 0 {
		out = append(out, fmt.Sprintf("documents name %s without an active user in Glean; no user finds them "+
			"until the group has one: %s", listing.GroupCount(n), ranking(t.waiting)))
	}
	if n := len(t.owners); n > 0 {
		out = append(out, fmt.Sprintf("owner, author or updatedBy name %s: %s",
			leftOutRefs(n, "", "not a delivered user", "not delivered users"), ranking(t.owners)))
	}
	if len(t.containers) > 0 {
		out = append(out, fmt.Sprintf("containerObjectType was left out where it is not under "+
			"datasource.objectDefinitions: %s", ranking(t.containers)))
	}
	return out
}

// What refs are that are left out, one and several.
const (
	unknownRef, unknownRefs   = "not a delivered user or group", "not delivered users or groups"
	inactiveRef, inactiveRefs = "an inactive user", "inactive users"
)

// leftOutRefs describes how many refs were left out, and of what kind; as is "" or " as
// members".
func leftOutRefs(n int, as, one, several string) string {
	if n == 1 {
		return fmt.Sprintf("1 ref%s that is %s; it was left out", as, one)
	}
	return fmt.Sprintf("%d refs%s that are %s; they were left out", n, as, several)
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
