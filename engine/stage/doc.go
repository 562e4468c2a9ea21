// Package stage keeps what a run has read and encoded on disk until it is sent,
// so that memory does not grow with documents (invariant 7). Its files have no
// name: they are unlinked as soon as they are open, and nothing of them is left
// after the process ends, not even after SIGKILL. What is staged is what will
// be sent; it holds no secret (invariant 6).
package stage
