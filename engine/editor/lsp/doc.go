// Package lsp is a language server for pipeline and test files: the Language Server Protocol 3.17
// over a stream, with package analysis behind it.
//
// The protocol is written here and not taken from a library: of the two that have it,
// go.lsp.dev/protocol is of 2022 and does not build with the present go.lsp.dev/jsonrpc2, and
// tliron/glsp brings 30 packages, a websocket and a logger for what is a header, JSON and a
// dozen structs.
package lsp
