// Package sdk is what the author of a transform plugin imports:
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
// The plugin is a program of its own that pipe starts and ends. It is sent its
// own config and, of each record, the kind, the ref and the paths it needs; it
// answers with the paths it set. What it prints goes to stderr, and so into
// pipe's log; a panic becomes the error of one record, with its stack.
//
// A test beside it, which CI runs with go test:
//
//	sdk.Test(t, shout(), []sdk.Case{{
//		Name:   "shouted",
//		Record: `{"kind": "API", "ref": "api:default/a", "metadata": {"title": "A"}}`,
//		Want:   `{"kind": "API", "ref": "api:default/a", "metadata": {"title": "A!"}}`,
//	}})
//
// Test runs a plugin over the real wire, TestCommand one that is a program in
// any language. Started with --debug, under a debugger, a plugin prints the line
// that makes pipe use that process.
//
// The package imports neither the engine nor its libraries.
package sdk
