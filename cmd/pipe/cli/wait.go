package cli

import (
	"fmt"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"
)

// waitDefault is how long --wait without a value waits.
const waitDefault = 30 * time.Minute

// waitFlag is --wait or --wait=DURATION; a word after it is not its value.
type waitFlag struct{ *urfave.GenericFlag }

func newWaitFlag(usage string) *waitFlag {
	return &waitFlag{&urfave.GenericFlag{Name: "wait", Usage: usage + "; --wait=1h waits longer", Value: new(waitValue)}}
}

// TakesValue is false: the value, when there is one, follows an equals sign.
func (*waitFlag) TakesValue() bool { return false }

// GetDefaultText returns how long --wait without a value waits.
func (*waitFlag) GetDefaultText() string { return "30m" }

func (f *waitFlag) String() string { return urfave.FlagStringer(f) }

// waitValue is 0 without the flag.
type waitValue time.Duration

// IsBoolFlag lets package flag accept the flag without a value, which sets it to "true".
func (*waitValue) IsBoolFlag() bool { return true }

func (w *waitValue) String() string {
	if w == nil || *w == 0 {
		return ""
	}
	return time.Duration(*w).String()
}

// Get returns the value itself, as the flag package requires.
func (w *waitValue) Get() any { return w }

func (w *waitValue) Set(text string) error {
	if text == "true" {
		*w = waitValue(waitDefault)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("a time with its unit is expected, such as --wait=30m")
	}
	*w = waitValue(d)
	return nil
}

// waitOf is how long a call with --wait waits, 0 without it.
func waitOf(c *urfave.Context) time.Duration {
	if w, ok := c.Generic("wait").(*waitValue); ok {
		return time.Duration(*w)
	}
	return 0
}

// spacedWait refuses a time that is written as a word after --wait, where it would be read
// as a file or a ref.
func spacedWait(c *urfave.Context) error {
	if !c.IsSet("wait") {
		return nil
	}
	for _, word := range c.Args().Slice() {
		if !isDuration(word) {
			continue
		}
		if _, err := os.Stat(word); err != nil { // no file of that name
			return usage{word + " is read as a file, not as the time of --wait", "write --wait=" + word}
		}
	}
	return nil
}

func isDuration(word string) bool {
	_, err := time.ParseDuration(word)
	return err == nil
}
