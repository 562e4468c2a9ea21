// Package tunnel is what hub, agent and pipeline of a broker share: WebSocket connections, the
// sessions of agents with their streams, the names of headers, tokens, and the key of an agent.
//
//	pipeline ──WebSocket──▶ hub ◀──WebSocket (yamux)── agent ──▶ target
//	   └────────── TLS to the agent's key, through the stream ─────┘
//
// A pipeline has one token. The hub and the agent each receive another value that is derived from it,
// and their files have only the hashes: the hub cannot send requests to the agent in its place.
package tunnel
