// Package hub connects pipelines with the agents of a broker. An agent dials the hub and keeps a
// session; a pipeline dials the hub and names an agent, and the hub opens a stream of the session and
// relays bytes. Both ends speak TLS through the stream, with a key that the hub does not have: the hub
// sees names, sizes and times.
//
// The file says which agents and pipelines there are. It is read again when it changes: what it does
// not name any more is cut.
package hub
