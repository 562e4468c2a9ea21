// Package preview shows what any person would find in the index before anything is published.
//
//   - build.go: reads a pipeline as a dry run does, and indexes the documents that would be sent
//   - journey.go: what becomes of each record, with and without a document
//   - people.go, before.go: who may find the documents after this run and before it
//   - index.go: the index, which is lent to those who search
//   - query.go, search.go: search as a person
//   - document.go, explain.go, earlier.go: one document or record with the lines of the pipeline
//     file that made it, and who finds it and found it
//   - handler.go, view.go: the pages
//
// An Index is a scratch database: no text of a document outlives the process. A search filters
// by person in the query, and everything that an answer contains (results, snippets, counts,
// facets) is of documents that the person finds. Explain is about any record, whoever finds it.
//
// Pages are as a Handler for other front ends to mount. The Handler does not check who asks:
// its caller does, since each answer contains private text.
package preview
