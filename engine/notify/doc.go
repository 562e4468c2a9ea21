// Package notify sends a short message about a run that needs a person to an incoming
// webhook of Slack, or to any server that takes JSON. A message carries counts, causes,
// names of rules and the ID of a refusal; names of documents and error texts only where
// the file says details (invariant 6).
//
// A state is reported once and then daily while it lasts. What was sent is kept in the
// state folder; the next good run clears it.
package notify
