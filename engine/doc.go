// Package engine holds the vocabulary of a pipeline and its runner.
//
// A run has three acts. Read: the source's records go, phase by phase, through
// transforms, mapping and permissions, are encoded by the sink and staged on
// disk. Review: what is staged is compared with what the sink holds, and the
// guards decide. Publish: the sink sends it. The package knows no component;
// components and commands import it, never the other way round.
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
