package sandbox

import (
	"embed"
	"fmt"

	"github.com/pipe-engine/pipe/engine/codec"
)

//go:embed company
var company embed.FS

// Company is the bundled catalog, a parcel carrier with its teams, people and software. It
// has the difficult cases of real catalogs: users without an e-mail address, two users that
// share one, owners that have left, an orphan, a generated location, entities only for their
// owners and one with an invalid visibility.
func Company() [][]byte {
	entities, err := readCompany()
	if err != nil { // the files are part of the program
		panic(err)
	}
	return entities
}

func readCompany() ([][]byte, error) {
	var entities []map[string]any
	for _, name := range []string{"teams", "people", "systems", "components", "interfaces", "resources"} {
		text, err := company.ReadFile("company/" + name + ".json")
		if err != nil {
			return nil, err
		}
		err = codec.Elements(text, func(raw []byte) error {
			e, err := codec.Decode(raw)
			if err != nil {
				return err
			}
			entities = append(entities, e)
			return include(e)
		})
		if err != nil {
			return nil, fmt.Errorf("%s.json: entity %d: %w", name, len(entities), err)
		}
	}
	return stitch(entities)
}

// include replaces a definition {"$text": PATH} with the text of the file, as Backstage
// does.
func include(e map[string]any) error {
	spec, _ := e["spec"].(map[string]any)
	definition, _ := spec["definition"].(map[string]any)
	path, ok := definition["$text"].(string)
	if !ok {
		return nil
	}
	text, err := company.ReadFile("company/" + path)
	if err != nil {
		return err
	}
	spec["definition"] = string(text)
	return nil
}
