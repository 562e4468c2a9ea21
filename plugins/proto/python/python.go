// Package python holds the wire of a plugin as generated for Python. The files need the
// Python packages grpcio and protobuf.
package python

import "embed"

// protoc is from Debian's protobuf-compiler, its plugin from protobuf-compiler-grpc.
// Python's protobuf reads the output of an older protoc, but not of a newer one.
//go:generate protoc -I .. --python_out=. --grpc_python_out=. --plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin ../transform.proto

//go:embed *.py
var files embed.FS

// Files returns transform_pb2.py with the messages, and transform_pb2_grpc.py with the
// service.
func Files() embed.FS { return files }
