// Package connection makes every HTTP request of every component. A component
// says what it wants (Request); the connection sends it with the user's TLS
// files, proxy and credentials (package auth), checks the answer before anybody
// decodes it, says what a failure is and what to do about it, and retries by the
// engine's policy. Nothing above it retries. It stops asking when the other end is down, and
// passes on what the other end says is going to be removed. Diagnose goes to the server
// step by step, for pipe doctor.
//
// It keeps invariant 6 (secrets stay secret): credentials go to the origin of
// the configured address only, no redirect leaves it, there are no cookies,
// and no error or log line carries a secret, not even one that an answer
// echoes. It keeps invariant 8 (the source is only read): a request that
// Settings.Allow does not name is refused before it is made.
package connection
