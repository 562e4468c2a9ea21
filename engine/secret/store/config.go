package store

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/config"
)

// Config is what a user writes below secrets.store.
type Config struct {
	File     string        `yaml:"file" required:"true" doc:"The encrypted file. A relative path starts from the folder of the pipeline file."`
	Identity config.Secret `yaml:"identity" required:"true" doc:"The age identity that opens the file (AGE-SECRET-KEY-1…): a variable, or the file of age-keygen as ${file:PATH}."`
}

var (
	_ config.Validator = (*Config)(nil)
	_ config.Cautioner = (*Config)(nil)
)

// codeSecret is the code of the problems below.
const codeSecret = "secret"

// Validate reports an identity file that other users may write. A file that was not read is not
// looked at.
func (c *Config) Validate(report func(field, code, message, hint string)) {
	if path := c.Identity.File(); identityMode(path)&othersWrite != 0 {
		report("identity", codeSecret, writableMessage, writableRemedy(path))
	}
}

// Caution warns of an identity file that every user of the machine may read. Its group may: a
// service that is not the owner reads it that way, as in Kubernetes with fsGroup.
func (c *Config) Caution(report func(field, code, message, hint string)) {
	if path := c.Identity.File(); identityMode(path)&othersRead != 0 {
		report("identity", codeSecret, "every user of this machine may read the file of the identity",
			"chmod 600 "+path+"; for a Secret of Kubernetes, set defaultMode: 0440")
	}
}

// Path is the store file; folder is that of the pipeline file.
func (c *Config) Path(folder string) string {
	if filepath.IsAbs(c.File) {
		return c.File
	}
	return filepath.Join(folder, c.File)
}

// Open returns the store of a config.
func (c *Config) Open(folder string) (*Store, error) { return New(c.Path(folder), c.Identity.Reveal()) }
