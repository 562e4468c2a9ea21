// Package changes finds what differs between a plan and what the sink was last told, and
// puts it in the order in which it may be sent.
//
// It stands between review and publish. What the sink was last told is what the last good
// run told it, and what the journal says was told since. Each change of who finds an item
// is split: it is first found by those alone who find it before and after, and only when
// groups and users are what they will be, by all who find it after. So at no time does
// somebody find an item who did not before and does not after.
//
// Memory grows with the items that the journal names and with those that go; what changes
// is found anew for each step.
package changes
