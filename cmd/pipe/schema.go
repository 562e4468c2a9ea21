package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

func (a *app) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of pipeline files, with which an editor completes and explains every key",
		Description: "A file takes part with the line `# yaml-language-server: $schema=schema.json`, in editors with the YAML language server,\n" +
			"as VS Code with the YAML extension. With --json the schema is printed as it is, too.",
		Action: func(*cli.Context) error {
			text, err := schemaText(a.registry)
			if err == nil {
				_, err = fmt.Fprint(a.stdout, text)
			}
			return err
		},
	}
}

// schemaText is the schema as pipelines/schema.json holds it.
func schemaText(r engine.Registry) (string, error) {
	b, err := codec.MarshalIndent(pipeline.Schema(r))
	return string(b) + "\n", err
}
