// Package preview shows what any person would find in the index before anything is published.
//
//   - index.go, build.go: read a pipeline as a dry run does, and index the documents that would
//     be sent
//   - people.go, before.go: who may find them after this run and before it
//   - query.go, search.go: search as a person
//   - document.go, journey.go: one document with the lines of the pipeline file that made it
//   - handler.go, view.go: the pages
//
// An Index is a scratch database: no text of a document outlives the process. A search filters
// by person in the query, and everything that an answer contains (results, snippets, counts,
// facets) is of documents that the person finds.
//
// Pages are as a Handler for other front ends to mount. The Handler does not check who asks:
// its caller does, since each answer contains private text.
package preview
