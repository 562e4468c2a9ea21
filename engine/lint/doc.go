// Package lint warns about valid pipeline files that probably do not do what was intended:
// restricted documents whose users and groups are not sent, kinds that are read but not mapped,
// rules and mappings that no record reaches, names that nothing reads. It checks a Definition
// that package pipeline loaded without errors, between loading and opening. A warning never
// prevents a run; package pipeline keeps invariant 9.
package lint
