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

// Path is the store file; folder is that of the pipeline file.
func (c *Config) Path(folder string) string {
	if filepath.IsAbs(c.File) {
		return c.File
	}
	return filepath.Join(folder, c.File)
}

// Open returns the store of a config.
func (c *Config) Open(folder string) (*Store, error) { return New(c.Path(folder), c.Identity.Reveal()) }
