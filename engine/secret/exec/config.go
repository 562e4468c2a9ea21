package exec

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Config is what a user writes below secrets.exec.
type Config struct {
	Command []string `yaml:"command" required:"true" doc:"The program and its arguments. {name} in an argument is replaced by the name of the secret; without it, the name is added as the last argument. No shell is involved. It prints the secret and ends with 0, within 10 seconds."`
}

// placeholder is replaced by the name of a secret in an argument.
const placeholder = "{name}"

// codeSecret is the code of the problems below.
const codeSecret = "secret"

var _ config.Validator = Config{}

// Validate reports a command without a program, or whose program depends on a secret's name.
func (c Config) Validate(report func(field, code, message, hint string)) {
	switch {
	case len(c.Command) == 0:
	case strings.TrimSpace(c.Command[0]) == "":
		report("command", codeSecret, "the command has no program",
			"begin the list with the program, as [op, read, 'op://pipe/{name}']")
	case strings.Contains(c.Command[0], placeholder):
		report("command", codeSecret, "the program of the command contains "+placeholder,
			"write the program out, and "+placeholder+" in an argument")
	case len(c.Command) == 1 && strings.ContainsAny(c.Command[0], " \t"):
		report("command", codeSecret, "the program of the command contains a space",
			"write each argument as an item of its own, as [op, read, 'op://pipe/{name}']")
	}
}
