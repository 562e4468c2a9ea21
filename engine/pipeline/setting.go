package pipeline

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Setting replaces one value of the file before it is decoded; ${…} in the value is replaced as
// in the file. A path that starts with @source or @sink is below the settings of that
// component, whatever its name; its value is taken literally. These are applied last.
type Setting struct {
	Path, Value string
	// Remove removes the path from the file instead of setting it.
	Remove bool
}

func (d *Definition) applySettings() {
	ofFile := func(s Setting) bool { return !strings.HasPrefix(s.Path, "@") }
	d.applyThose(ofFile)
	d.rules = d.rulesText()
	d.applyThose(func(s Setting) bool { return !ofFile(s) })
}

func (d *Definition) applyThose(which func(Setting) bool) {
	for _, s := range d.o.Settings {
		if !which(s) {
			continue
		}
		path, value := s.Path, s.Value
		if part, rest, ok := strings.Cut(path, "."); ok && (part == "@source" || part == "@sink") {
			block := d.Document.Root().Get(part[1:]).Entries()
			if len(block) == 0 {
				continue // a missing component is reported with its block
			}
			path, value = part[1:]+"."+block[0].Key+"."+rest, strings.ReplaceAll(value, "${", "$${")
		}
		if s.Remove {
			d.Document.Remove(path)
			continue
		}
		if err := d.Document.Set(path, value); err != nil {
			_, message, _ := strings.Cut(err.Error(), ": ")
			d.b.add(config.Problem{Pos: config.Pos{File: "--set " + s.Path}, Code: "bad-setting", Message: message,
				Hint: "`pipe config FILE` lists the paths of all settings"})
		}
	}
}
