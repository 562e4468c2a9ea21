// Package techdocs reads the files of a TechDocs site: the search index of MkDocs, the metadata of
// the build, the site map and pages of HTML. It makes no requests.
//
// A site is read as a stream: one page at a time is in memory, and each page is cut to a limit
// (invariant 7). Navigation and everything else that is the same on all pages is left out.
package techdocs
