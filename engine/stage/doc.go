// Package stage keeps what a run has read and encoded on disk until it is sent:
// memory does not grow with documents (invariant 7). A Stage holds the items of each
// stream and what review needs to know of each; a SpillBuffer holds the records of a
// phase until all of it is read. Their files have no name: they are unlinked as soon
// as they are open, and nothing of them is left after the process ends, not even
// after SIGKILL. What is staged is what will be sent; it holds no secret
// (invariant 6).
package stage
