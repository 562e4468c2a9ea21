// Command pipe runs declarative pipelines; its main job is the Backstage software
// catalog into Glean.
package main

import (
	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
)

func main() { cli.Main(components.Registry()) }
