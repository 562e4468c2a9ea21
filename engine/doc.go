// Package engine documents the packages of the engine and holds no code. The engine runs
// a pipeline (read, review, publish) and does what people ask for outside a run. The
// packages, from the lowest layer:
//
//   - codec, display, markdown, atomicfile, fault, redact: JSON; text for people;
//     Markdown to text; replacing a file; kinds of failure; secrets removed from texts
//   - config, config/schema, dotenv: the pipeline file; its JSON Schema; files of
//     variables
//   - expression, expression/condition: expressions; what a condition says as written
//   - access: who may find an item
//   - component: the contract with sources, transforms, permissions and sinks
//   - connection/auth, connection: the credentials of requests, one file a scheme; every
//     HTTP request
//   - secret: where ${secret:NAME} finds its value; below it one package a provider
//     (store, exec, vault, aws)
//   - records: records that people recorded or wrote down
//   - stage: what a run will send, on disk
//   - baseline: what the last good run delivered, and how a run differs from it
//   - guard: what a person must look at before anything is sent
//   - read: the first act, from the source's pages to the stage
//   - run: a whole run; operate: push, hide, purge, adopt, select
//   - pipeline: a file made into a pipeline
//   - lint: warnings about it
//   - explain: what becomes of one record, and who finds it
//   - suite: the tests of pipeline files
//   - output: the folder that a run writes; diff: what a run would change in it
//   - report: the record and the metrics of a run
//   - job: one run of one file with everything around it, for any front end
//
// A record goes from a source's page through read (decode, transforms, mapping,
// permissions, encode) into the stage. The review compares the stage with the
// baseline, and the guards decide. The sink's session then sends the plan, and what
// was delivered becomes the new baseline. The engine knows no component; components
// and commands import it, never the other way round.
//
// The invariants that code and tests cite by number:
//
//  1. Nothing before everything: nothing is sent before the source has been
//     read completely and the guards have passed.
//  2. Decided access: no document leaves without a permission decision; an
//     error in a rule rejects the record.
//  3. Nothing lost in silence: read = delivered + merged + filtered + withheld
//     + rejected.
//  4. No mass deletion.
//  5. No mass exposure.
//  6. Secrets stay secret.
//  7. Bounded memory: it grows with refs and look-up names, never with
//     documents.
//  8. The source is only read.
//  9. What check accepts runs.
package engine
