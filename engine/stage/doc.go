// Package stage keeps what a run has read and encoded on disk until it is sent, which keeps
// memory independent of the number of documents (invariant 7). A Stage holds the items of each
// stream and what the review needs to know about each; a SpillBuffer holds the records of a
// phase until the phase is read completely. Their files have no name: they are unlinked as soon
// as they are open, and nothing is left after the process ends, even after SIGKILL. Staged
// items are what will be sent; they contain no secret (invariant 6).
package stage
