package encode

// findReach fills s.reach with the names of the groups that an active user is in,
// directly or through a group that is its member. It is linear in the memberships.
func (s *Encoder) findReach() {
	s.reach = make(map[string]bool, len(s.groups))
	containing := map[string][]string{} // groups by the name of a group that is their member
	var queue []string
	reached := func(name string) {
		if !s.reach[name] {
			s.reach[name] = true
			queue = append(queue, name)
		}
	}
	for _, g := range s.groups {
		for _, refs := range [][]string{g.members, g.subgroups} {
			for _, ref := range refs {
				if _, isUser := s.userNames[ref]; isUser {
					if !s.inactive[ref] {
						reached(g.name)
					}
				} else if group, isGroup := s.groupNames[ref]; isGroup {
					containing[group] = append(containing[group], g.name)
				}
			}
		}
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for _, above := range containing[name] {
			reached(above)
		}
	}
}

// countWaiting counts the groups of a document that no user finds, because no active
// user that was delivered is in any group that it names.
func (s *Encoder) countWaiting(principals []string, allOf [][]string) {
	if s.schema.Lender != "" || len(s.userNames) == len(s.inactive) {
		return // members are unknown here, or the note on missing users covers it
	}
	empty := map[string]bool{}
	for _, ref := range principals {
		name, isGroup := s.groupNames[ref]
		switch _, isUser := s.userNames[ref]; {
		case isUser && !s.inactive[ref], isGroup && s.reach[name]:
			return
		case isGroup:
			empty[ref] = true
		}
	}
	for _, refs := range allOf {
		reachable := true
		for _, ref := range refs {
			name, isGroup := s.groupNames[ref]
			if reachable = reachable && isGroup && s.reach[name]; isGroup && !s.reach[name] {
				empty[ref] = true
			}
		}
		if reachable {
			return
		}
	}
	for ref := range empty {
		s.skipped.count(s.skipped.waiting, ref)
	}
}
