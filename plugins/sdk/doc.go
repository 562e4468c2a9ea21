// Package sdk is the library for authors of transform plugins:
//
//	type config struct {
//		Suffix string `json:"suffix" doc:"what is put after each title"`
//	}
//
//	func main() { sdk.Serve(shout()) }
//
//	func shout() sdk.Plugin {
//		cfg := config{Suffix: "!"}
//		return sdk.Plugin{
//			Name: "shout", Version: "1.0.0", Summary: "puts a suffix after each title",
//			Config: &cfg,
//			Needs:  []string{"metadata.title"},
//			Writes: []string{"metadata.title"},
//			Transform: func(ctx context.Context, r *sdk.Record) error {
//				if r.Text("metadata.title") == "" {
//					return sdk.Drop("no title")
//				}
//				r.Set("metadata.title", r.Text("metadata.title")+cfg.Suffix)
//				return nil
//			},
//		}
//	}
//
// The plugin is a separate program that pipe starts and ends. It receives its config and, of
// each record, the kind, the ref and the paths that it needs; it answers with the paths that
// it set. Its output goes to stderr, and so into pipe's log. A panic becomes the error of one
// record, with its stack.
//
// A test next to it, for go test:
//
//	sdk.Test(t, shout(), []sdk.Case{{
//		Name:   "shouted",
//		Record: `{"kind": "API", "ref": "api:default/a", "metadata": {"title": "A"}}`,
//		Want:   `{"kind": "API", "ref": "api:default/a", "metadata": {"title": "A!"}}`,
//	}})
//
// Test runs a plugin over the real protocol; TestCommand runs a plugin that is a program
// in any language. A plugin that is started with --debug, under a debugger, prints the line
// that makes pipe use that process.
//
// The package imports neither the engine nor its libraries.
package sdk
