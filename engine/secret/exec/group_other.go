//go:build !unix

package exec

import "os/exec"

// group does nothing: the end of its context kills the command, and not what it started. After
// WaitDelay its output is closed all the same.
func group(*exec.Cmd) {}

// end does nothing: see group.
func end(*exec.Cmd) {}
