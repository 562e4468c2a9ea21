// Package mcp serves the dry runs of pipe to assistants, by the Model Context Protocol.
//
// Every tool only reads: there is none that publishes, hides, approves or writes a file. Four rules
// hold for all of them:
//
//   - files.go: only regular files below one folder are read, of bounded size; the root follows no
//     link that leaves it
//   - open.go: records come from the sandbox or, with Inspect, a recorded file. No variable
//     of the environment is set, no secret is resolved and no program is started. With Options.Live
//     the real source can be read, by the addresses and credentials of a trusted file as it was when
//     the server started; of the file that is edited, only what pipeline.Propose accepts is used, and
//     without Inspect it has to be the same in the trusted file
//   - private.go: the text of documents that not everyone finds is left out, unless Options.Inspect
//     is set
//   - answer.go: answers are bounded, and texts from outside are escaped
//
// A call is bounded in time, and one call runs at a time.
package mcp
