// Package summary describes a diff or a run for people who may see the pipeline file and need not
// find the documents, such as the readers of a repository and of its CI logs.
//
// A summary contains counts, audiences, causes, names of rules, and IDs of documents that every
// datasource user finds before the change. It never contains other IDs, titles, values or the
// texts of rejections and of other programs.
package summary
