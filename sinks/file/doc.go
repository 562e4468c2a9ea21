// Package file is the sink `sink: {file: …}`: it writes users, groups, memberships and
// documents to one NDJSON file each, for programs that build their own index, and to inspect
// the output of a pipeline.
//
// It keeps invariant 1: every file is written to a temporary one first, and the files of the
// last run are replaced only when all new ones are complete. A program that reads several
// files during the replacement may see new and old ones. Permissions and members keep the
// refs of users and groups of this run; all others are dropped, since they grant no access.
package file
