//go:build !unix

package analysis

import "errors"

func fifo(string) error { return errors.New("there are no named pipes here") }
