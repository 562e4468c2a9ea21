//go:build !unix

package host

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }

func inGroup() *syscall.SysProcAttr { return nil }
