// Package policy decides which HTTP requests may be made to a server: a list of rules, each with a
// method, a pattern of the path, the keys of the query and the largest body. The first rule whose
// method and path match decides; a request that no rule matches is denied.
//
// A decision is about the decoded path, and only a path that every server reads alike is decoded:
// empty and dot segments, semicolons, backslashes, control characters and percent-encoded
// separators are denied before any rule is read. What is sent on is written anew from what was
// decided (Decision.Target), and of the headers only those that a reading client needs.
package policy
