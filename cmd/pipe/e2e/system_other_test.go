//go:build !unix

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"time"
)

func makeFIFO(string) error { return errors.New("this system has no FIFOs") }

// The functions below are not measured or not needed on this system.

func peakMB(*os.ProcessState) float64 { return 0 }
func cpuTime() time.Duration          { return 0 }
func inSession(*exec.Cmd)             {}
func runAs(*exec.Cmd, uint32)         {}
