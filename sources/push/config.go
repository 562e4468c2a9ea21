package push

import (
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/sources/push/store"
)

// Config is the block source.push of a pipeline file.
type Config struct {
	Store      string       `yaml:"store" required:"true" doc:"SQLite file of the pushed records. It is created with the first push, readable by its owner only. A relative path is relative to the folder of the pipeline file."`
	Model      *config.Node `yaml:"model" required:"true" doc:"The form of the records: the name of a model and its settings."`
	MaxRecord  config.Bytes `yaml:"max_record" default:"4MiB" min:"1KiB" max:"16MiB" doc:"Size of one record."`
	MaxSet     config.Bytes `yaml:"max_set" default:"2GiB" min:"1MiB" doc:"Size of all records of one set."`
	MaxRecords int          `yaml:"max_records" default:"500000" min:"1" doc:"Records in the store, and in one set."`
}

func (c *Config) limits() store.Limits {
	return store.Limits{Record: int64(c.MaxRecord), Set: int64(c.MaxSet), Records: c.MaxRecords}
}

// path returns the path of the store.
func (c *Config) path(folder string) string {
	if filepath.IsAbs(c.Store) {
		return c.Store
	}
	return filepath.Join(folder, c.Store)
}
