// Package ask is where the front ends of a server do what people and programs ask for. A Caller
// checks the role and the sizes of what was sent, writes the request to the audit log, performs it,
// and adds to the log how it ended. What is not in the log is not performed.
package ask
