package config

// Format is a kind of file that pipe reads.
type Format string

// The kinds of files.
const (
	PipelineFile Format = "a pipeline file"
	TestFile     Format = "a file of tests"
	AgentFile    Format = "the file of an agent"
	HubFile      Format = "the file of a hub"
	OpenIDFile   Format = "the file of an OpenID provider"
)

// formats are the keys that a file of a kind has and no other has together, and what reads it.
var formats = []struct {
	Format
	keys []string
	hint string
}{
	{PipelineFile, []string{"source", "sink"}, "pipe check FILE checks a pipeline file"},
	{TestFile, []string{"tests"}, "name it NAME.test.yaml; pipe test NAME.yaml runs it"},
	{AgentFile, []string{"hub", "key_file"}, "pipe agent check FILE checks it"},
	{HubFile, []string{"listen", "agents"}, "pipe hub check FILE checks it"},
	{OpenIDFile, []string{"issuer", "grants"}, "pipe serve --openid FILE reads it"},
}

// Mistaken returns the only problem of a file that is clearly of another kind than wanted: it has
// the keys of that kind, and none that mark the wanted one.
func (d *Document) Mistaken(wanted Format) (p Problem, ok bool) {
	has := func(keys []string) (n int) {
		for _, key := range keys {
			if d.root.Get(key) != nil {
				n++
			}
		}
		return n
	}
	for _, f := range formats {
		if f.Format == wanted && has(f.keys) > 0 {
			return Problem{}, false
		}
	}
	for _, f := range formats {
		if f.Format != wanted && has(f.keys) == len(f.keys) {
			return Problem{Pos: Pos{File: d.file}, Code: codeWrongFile,
				Message: "this is " + string(f.Format) + ", and " + string(wanted) + " is expected", Hint: f.hint}, true
		}
	}
	return Problem{}, false
}
