// Package play is a page with a pipeline file and what it makes of a sample, changing as a person types:
// the document, who finds it, and the problems of the file with their fixes.
//
//   - play.go: the handler, what a request must have, and the bounds of a request
//   - file.go: the one file that the page shows and saves
//   - evaluate.go, view.go: what the text makes of the sample
//   - files: the page
//
// All answers come from package analysis, as those of an editor do: no plugin is started, no secret is
// resolved, no variable of the environment is read, and nothing is connected to. The file changes only
// when a person saves it.
package play
