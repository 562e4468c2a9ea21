//go:build !unix

package baseline

import "errors"

func makeFIFO(string) error { return errors.New("this system has no FIFOs") }
