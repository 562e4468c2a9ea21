// Package file is the sink `sink: {file: …}`: it writes users, groups, memberships
// and documents to one NDJSON file each, for programs that build an index of their
// own, and to see what a pipeline makes of its records.
//
// It keeps invariant 1 by writing every file to a temporary one first: the files of
// the last run are replaced when all new ones are complete, each whole. A program
// that reads several files while a run replaces them may see one of them new and
// another one old. Permissions and members keep the refs of users and groups of this
// run; all others are dropped, since they let nobody in.
package file
