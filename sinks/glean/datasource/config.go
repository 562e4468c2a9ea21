package datasource

import (
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// provisioned is the file's datasource as sent to Glean, with its icons, as JSON.
func provisioned(c *settings.Config) ([]byte, error) {
	d := c.DatasourceConfig()
	for field, at := range map[string]*string{"iconUrl": &d.IconURL, "iconDarkUrl": &d.IconDarkURL} {
		var err error
		if *at, err = settings.Icon(*at); err != nil {
			return nil, &component.SettingError{Path: []string{"datasource", field}, Err: err}
		}
	}
	return codec.Marshal(d)
}
