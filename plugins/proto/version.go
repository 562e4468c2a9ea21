// Package proto is the wire between pipe and its transform plugins. The Go code
// beside transform.proto is made of it by
//
//	go generate ./plugins/proto
//
// and is committed. A plugin in another language needs transform.proto alone;
// the handshake is go-plugin's: the line CORE|APP|unix|PATH|grpc on stdout.
package proto

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative transform.proto

// The handshake. A plugin of another Version is refused with both numbers.
const (
	Version     = 1
	CookieKey   = "PIPE_PLUGIN"
	CookieValue = "transform"
	// Name is what go-plugin calls the service.
	Name = "transform"
)
