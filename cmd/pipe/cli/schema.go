package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config/schema"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

func (a *app) schemaCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of pipeline files, for editors",
		Description: "A file takes part with the line `# yaml-language-server: $schema=schema.json`, " +
			"in editors with the YAML language server,\n" +
			"as VS Code with the YAML extension. With --json the schema is printed as it is, too.",
		Flags: []urfave.Flag{&urfave.BoolFlag{Name: "tests", Usage: "print that of test files"}},
		Action: func(c *urfave.Context) error {
			text, err := schemaText(pipeline.Schema(a.Registry))
			if c.Bool("tests") {
				text, err = schemaText(suite.Schema(a.Registry))
			}
			if err == nil {
				_, err = display.Fprint(a.Stdout, display.Block(display.Whole(text)))
			}
			return err
		},
	}
}

// schemaText is a schema as the files under pipelines hold it.
func schemaText(s *schema.Schema) (string, error) {
	b, err := codec.MarshalIndent(s)
	return string(b) + "\n", err
}
