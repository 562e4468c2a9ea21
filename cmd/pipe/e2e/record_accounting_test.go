package e2e

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// books checks that a run's report adds up, and that its exit code matches its verdict
// (invariant 3).
func (s *schedule) books(o outcome) {
	s.Helper()
	if o.told.ExitCode != o.code {
		s.wrong("exit %d, and the report says %d", o.code, o.told.ExitCode)
	}
	rep := o.told.Report
	if rep == nil {
		s.wrong("the report has no run")
		s.FailNow()
	}
	sum := func(m map[string]int) (n int) {
		for _, v := range m {
			n += v
		}
		return n
	}
	if n := sum(rep.Endings); n != rep.Read {
		s.wrong("%d records read, and %d have ended: %v", rep.Read, n, rep.Endings)
	}
	kinds := map[string]int{}
	records := 0
	for _, k := range rep.Kinds {
		records += k.Read
		for e, n := range k.Endings {
			kinds[e] += n
		}
		if n := sum(k.Endings); n != k.Read {
			s.wrong("%d of kind %s read, and %d have ended: %v", k.Read, k.Kind, n, k.Endings)
		}
	}
	maps.DeleteFunc(kinds, func(_ string, n int) bool { return n == 0 })
	maps.DeleteFunc(rep.Endings, func(_ string, n int) bool { return n == 0 })
	if records != rep.Read || !maps.Equal(kinds, rep.Endings) {
		s.wrong("the kinds add up to %d %v, all to %d %v", records, kinds, rep.Read, rep.Endings)
	}
	want := map[string]int{"delivered": int(job.Done), "refused": int(job.Refused), "unconfirmed": int(job.Unconfirmed),
		"failed": int(job.Failed)}[rep.Verdict]
	switch {
	case rep.Verdict == "delivered" && rep.Endings["rejected"] > 0:
		want = int(job.Rejected)
	case rep.Verdict == "failed" && o.code == int(job.Held):
		want = int(job.Held)
	}
	if o.code != want {
		s.wrong("exit %d of a run that is %s, want %d", o.code, rep.Verdict, want)
	}
	if !rep.Sent && o.uploads > 0 || o.code == int(job.Refused) && o.uploads > 0 {
		s.wrong("%d uploads were begun by a run that says it sent nothing (exit %d)", o.uploads, o.code)
	}
	if n := rep.Endings["pending"]; n > 0 && o.uploads > 0 {
		s.wrong("%d uploads were begun with %d records that have no ending", o.uploads, n)
	}
}

// equal checks that the index equals the output of a run and the firm's.
func (s *schedule) equal(when string, want content, o outcome) {
	s.Helper()
	i := s.world.index()
	now := indexed(i)
	for _, d := range now.differences(s.taken(o, now)) {
		s.wrong("%s the index is not what was sent: %s", when, d)
	}
	for _, d := range now.known().differences(want) {
		s.wrong("%s the index is not the catalog: %s", when, d)
	}
}

// taken returns the output of a run without the items that the sink refused. A record may be
// refused only as a document, or after it was accepted in an answer that was lost; the index
// decides.
func (s *schedule) taken(o outcome, now content) content {
	refused := map[string]bool{}
	for ref := range o.rejected {
		refused[s.emails[ref]] = true
		refused[ref] = !now.groups[ref]
	}
	out := o.sent.without(refused)
	for email, name := range o.sent.users {
		if refused[email] && now.users[email] == name {
			out.users[email] = name
		}
	}
	maps.DeleteFunc(out.documents, func(id string, d gleanapi.Document) bool {
		return o.rejected[id] && !reflect.DeepEqual(now.documents[id], d)
	})
	return out
}

// whole checks the index after a run under faults: each stream, and the members of each
// group, are as before or as the run sent them; unchanged if it sent nothing, and all new if
// it reports so.
func (s *schedule) whole(was content, o outcome) {
	s.Helper()
	i := s.world.index()
	now := indexed(i)
	will := s.taken(o, now)
	paused := slices.ContainsFunc(i.Uploads, func(u gleansandbox.Upload) bool {
		return strings.Contains(u.ID, o.told.Report.RunID) && u.Paused > 0
	})
	if paused { // Glean has kept what should go
		will.keep(was, now)
	}
	switch {
	case !o.told.Report.Sent:
		for _, d := range now.differences(was) {
			s.wrong("nothing was sent, and %s", d)
		}
		return
	case o.code == int(job.Done) || o.code == int(job.Rejected) || o.code == int(job.Unconfirmed):
		said := func(text string) bool { return strings.Contains(o.stdout, text) }
		if paused && o.code != int(job.Unconfirmed) && !said("could not be asked") && !said("has not confirmed it yet") &&
			!said("still pauses the deletion") {
			s.wrong("exit %d, and Glean has paused a deletion", o.code)
		}
		// A delayed second deactivation brings back a deleted user as inactive.
		maps.DeleteFunc(now.users, func(email, name string) bool {
			_, stays := will.users[email]
			return !stays && name == email
		})
		for _, d := range now.differences(will) {
			s.wrong("it was delivered, and %s", d)
		}
		return
	}
	s.outcomes.add("partly sent")
	// A run that ends early has sent some of its pages and single requests: each item is as
	// before or as sent, except for who finds a document, which found checks.
	some := func(what string, old, new []string) {
		for _, d := range old {
			subject, _, _ := strings.Cut(d, " is ")
			if slices.ContainsFunc(new, func(n string) bool { return strings.HasPrefix(n, subject+" is ") }) {
				s.wrong("%s is neither as before (%s) nor as sent (%s)", what, old, new)
			}
		}
	}
	some("documents", gleantest.Differ("document", open(now.documents), open(was.documents)),
		gleantest.Differ("document", open(now.documents), open(will.documents)))
	here := maps.Clone(now.users)
	maps.DeleteFunc(here, func(email, name string) bool { _, stays := will.users[email]; return !stays && name == email })
	some("users", gleantest.Differ("user", here, was.users), gleantest.Differ("user", here, will.users))
	some("groups", gleantest.Differ("group", now.groups, was.groups), gleantest.Differ("group", now.groups, will.groups))
	for group := range now.members {
		got, old, new := now.members[group], was.membersIn(group, now), will.membersIn(group, now)
		switch {
		case slices.Equal(got, old), slices.Equal(got, new):
		case !slices.ContainsFunc(got, func(m string) bool { return !slices.Contains(old, m) && !slices.Contains(new, m) }):
		default:
			s.wrong("the members of %s are %v, neither as before %v nor as sent %v", group, got, old, new)
		}
	}
}

// open are documents without who finds them.
func open(all map[string]gleanapi.Document) map[string]gleanapi.Document {
	out := maps.Clone(all)
	for id, d := range out {
		d.Permissions = nil
		out[id] = d
	}
	return out
}

// found checks who finds what: every access comes from permissions that one of the two runs
// grants, through users and members that one of them has (invariant 5). Access that mixes
// both runs is only counted: between the uploads of a run the members are new and the
// documents old.
func (s *schedule) found(old, now *firm) {
	s.Helper()
	a, b := old.index(), now.index()
	i := s.world.index()
	for id, d := range i.Documents {
		mixed, everyone := map[string]bool{}, false
		strict := map[string]bool{}
		for _, c := range []content{a, b} {
			p := c.documents[id].Permissions
			users, all := finders(p, a, b)
			maps.Copy(mixed, users)
			own, _ := finders(p, c)
			maps.Copy(strict, own)
			everyone = everyone || all
		}
		if d.Permissions.AllowAnonymousAccess && !everyone {
			s.wrong("everybody finds %s, and neither run grants it", id)
		}
		if everyone {
			continue
		}
		for _, who := range i.WhoFinds(id) {
			if !mixed[who] {
				s.wrong("%s finds %s, and neither run grants it", who, id)
			} else if !strict[who] {
				s.outcomes.add("finders by new members and old documents")
			}
		}
	}
}
