// Package changes computes the difference between a plan and what the sink was last sent, and
// puts it in an order that is safe to send.
//
// It is used between review and publish. What was last sent is known from the last good run and
// from the journal since then. Each change of an item's permissions is split: the item is first
// narrowed to those who can find it before and after; only when groups and users are in their
// final state is it widened to all who find it after. At no time can a person find an item
// without being allowed to by its old or its new permissions.
//
// Memory grows with the items in the journal and those to delete. All other changes are
// computed again for each step.
package changes
