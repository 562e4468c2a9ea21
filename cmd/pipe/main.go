// Command pipe runs declarative pipelines; its main job is the Backstage
// software catalog into Glean. One file holds one command; components.go is
// the only list of components.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), host{
		args:   os.Args,
		env:    os.LookupEnv,
		stdout: os.Stdout,
		stderr: os.Stderr,
		signal: signals(),
	}))
}
