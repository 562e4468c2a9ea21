// Package lint warns about valid pipeline files that probably do not do what was meant:
// documents for people that nobody sends, kinds that are read and go nowhere, rules and
// mappings to which no record comes, names that nothing reads. It works on a Definition
// that package pipeline loaded without errors, between loading and opening; a warning
// never keeps a file from running (invariant 9 is package pipeline's).
package lint
