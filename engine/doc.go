// Package engine documents the packages of the engine and contains no code. The engine runs a
// pipeline (read, review, publish) and performs the operations outside a run. The packages,
// from the lowest layer:
//
//   - codec, display, markdown, atomicfile, fault, redact: JSON; text for people; Markdown to
//     text; replacing a file; kinds of failure; removing secrets from texts
//   - config, config/schema, dotenv: the pipeline file; its JSON Schema; files of variables
//   - expression, expression/condition: expressions; the syntax of conditions
//   - access: who may find an item; refset: numbers for refs; schedule: when a pipeline runs
//   - component: the contract with sources, transforms, permissions and sinks
//   - connection: every HTTP request; connection/auth: how a request proves who sends it
//   - secret: the providers of ${secret:NAME}: store, exec, vault, aws
//   - records: files of records; sqlite: databases of the server and of the preview
//   - stage: what a run will send, on disk
//   - baseline: what the last good run delivered, and how a run differs from it
//   - audit: the ledger of access changes; changes: what to send when not everything is sent
//   - guard: refuses runs that a person must review first
//   - read: the first act, from the source's pages to the stage
//   - run: a whole run; operate: push, hide, purge, adopt, select
//   - pipeline: loads a pipeline file
//   - lint: warnings about it
//   - explain: how a record is processed, and who finds the result
//   - suite: the tests of pipeline files
//   - output: the output folder of a run; diff: what a run would change in it
//   - report: the record and the metrics of a run; page: a run or a diff as an HTML page;
//     notify: messages about runs that need a person
//   - job: one run of one file with its inputs and outputs, for any front end
//   - verify: compares what a source shows a person with what they would find
//   - serve: runs pipelines on their schedules; serve/history: what it did;
//     serve/signin: who sends a request, and what they may do; serve/api: answers to programs;
//     serve/preview: search as a person, before a run; serve/pages: what people see; serve/web: all
//     of it on one address
//   - broker/policy: which requests are allowed; broker/requestlog: the audit log of requests;
//     broker/hub, broker/agent and broker/via: a server in a network without connections from outside
//
// A record passes from a source's page through read (decode, transforms, mapping, permissions,
// encode) into the stage. Records of attached phases, such as pages of documentation, belong to
// records of earlier phases and take their permissions from them. The review compares the stage
// with the baseline, and the guards decide. The sink's session then sends the plan, and what was
// delivered becomes the new baseline. The engine knows no component: components and commands
// import the engine, and never the reverse.
//
// The invariants that code and tests cite by number:
//
//  1. Nothing before everything: nothing is sent before the source has been read completely and
//     the guards have passed.
//  2. Decided access: no document leaves without a permission decision; an error in a rule
//     rejects the record. A record that belongs to another one has the decision of its host.
//  3. Nothing lost in silence: read = delivered + kept + merged + filtered + withheld + rejected.
//  4. No mass deletion.
//  5. No mass exposure.
//  6. Secrets stay secret.
//  7. Bounded memory: it grows with refs and look-up names, never with documents.
//  8. The source is only read.
//  9. What check accepts runs.
package engine
