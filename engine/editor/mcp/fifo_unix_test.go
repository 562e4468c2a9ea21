//go:build unix

package mcp

import "syscall"

func fifo(path string) error { return syscall.Mkfifo(path, 0o600) }
