package preview

import (
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/state"
)

// addBefore writes who finds the documents of this run by the last good run. The baseline has
// hashes of principals. Those that are left out are users and groups that neither run has, and
// sets of three or more groups that no document of this run has.
func (b *builder) addBefore(in state.Store, place string) error {
	store, err := baseline.Open(in, place)
	if err != nil {
		return err
	}
	base, err := store.Load()
	if err != nil {
		return err
	}
	defer base.Close()
	if base.Condition != baseline.Intact {
		return nil
	}
	was, groups, users, err := b.earlierPeople(&base)
	if err != nil {
		return err
	}
	b.x.Earlier, b.x.earlier = base.Finished, was
	b.hashPrincipals(groups)
	for e, err := range base.Entries() {
		if err != nil {
			return err
		}
		if s := b.stream(e.Stream); e.Away.IsZero() && s != nil && s.Permissions {
			if err := b.before(&e); err != nil {
				return err
			}
		}
	}
	for i := range b.x.people {
		p := &b.x.people[i]
		p.before = len(users) == 0 || b.wasUser(p.explained, users)
		if err := b.members(p.number, Before, was.membershipOf(b.PrincipalsOf(p.explained)[0]).order); err != nil {
			return err
		}
	}
	was.sets, was.names = b.sets, make([]string, len(b.principals))
	for name, id := range b.principals {
		was.names[id-1] = name
	}
	return nil
}

// before writes who found a document.
func (b *builder) before(e *baseline.Entry) error {
	audience := access.ParseAudience(e.Audience)
	id, there := b.ids[e.ID]
	if !there {
		if audience > access.Nobody {
			b.x.Gone++
		}
		return nil
	}
	if audience <= access.Nobody {
		return nil
	}
	unknown := 0
	for _, hash := range e.Names {
		name, known := b.byHash[hash]
		if !known {
			if pair := b.pairOf(hash); pair != nil {
				b.set(pair)
				name = setName(pair)
			}
			b.byHash[hash] = name // "" for an unknown one, too
		}
		if name == "" {
			unknown++
			continue
		}
		principal := b.principal(name)
		if err := b.exec(intoACL, id, int(Before), principal); err != nil {
			return err
		}
	}
	return b.exec(setBefore, int(audience), b.x.earlier.rule(e.Rule), unknown, id)
}

// pairOf returns the set of two groups with a hash; nil when there is none.
func (b *builder) pairOf(hash uint64) []string {
	for one, name := range b.byHash {
		if _, group := component.PrincipalName(name); !group {
			continue
		}
		other := b.byHash[hash-one] // the name of a set is the sum of its groups
		if _, group := component.PrincipalName(other); group {
			return []string{min(name, other), max(name, other)}
		}
	}
	return nil
}

// earlierPeople returns what the last good run knew of people and groups, with the principals of
// its groups and the hashes of the IDs of its users.
func (b *builder) earlierPeople(base *baseline.Baseline) (*earlier, []string, map[uint64]bool, error) {
	was, groups, users := &earlier{groups: map[uint64][]string{}}, []string(nil), map[uint64]bool{}
	for e, err := range base.Entries() {
		if err != nil {
			return nil, nil, nil, err
		}
		if !e.Away.IsZero() {
			continue
		}
		switch s := b.stream(e.Stream); {
		case s == nil: // the members of a group
			if id := e.KnownID(); id != "" {
				group := component.GroupPrincipal(id)
				groups = append(groups, group)
				for _, member := range e.Names {
					was.groups[member] = append(was.groups[member], group)
				}
			}
		case s.Identities && !s.Groups:
			users[e.ID] = true
		}
	}
	was.everyone = len(users)
	return was, groups, users, nil
}

// stream returns a stream of the sink; nil for one of the session's own.
func (b *builder) stream(name string) *component.Stream {
	i := slices.IndexFunc(b.streams, func(s component.Stream) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &b.streams[i]
}

// hashPrincipals sets the users, groups and sets of both runs by their hashes in the baseline.
func (b *builder) hashPrincipals(names []string) {
	b.byHash = map[uint64]string{}
	for _, name := range names {
		b.byHash[codec.Hash([]byte(name))] = name
	}
	for _, p := range b.x.people {
		for _, name := range b.PrincipalsOf(p.explained) {
			b.byHash[codec.Hash([]byte(name))] = name
		}
	}
	for name := range b.principals {
		if set, is := b.sets[name]; is {
			b.byHash[access.SetName(access.HashSets([][]string{set})[0])] = name
			continue
		}
		b.byHash[codec.Hash([]byte(name))] = name
	}
}

// wasUser reports whether the last good run delivered a person: an item of a user has the ID of
// one of its staged items. A run that writes no users does not know, and the answer is yes.
func (b *builder) wasUser(p explain.Person, users map[uint64]bool) bool {
	staged := false
	for _, ref := range p.Refs {
		for _, s := range b.Journey(ref).Staged {
			if of := b.stream(s.Stream); of != nil && of.Identities {
				if staged = true; users[codec.Hash([]byte(s.ID))] {
					return true
				}
			}
		}
	}
	return !staged
}
