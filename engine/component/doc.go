// Package component defines the contract between the engine and its components: sources,
// transforms, mappers, permissions (deciders) and sinks, the records and items that pass
// between them, and the specs that describe each component to the program. Components import it
// and no engine package above it.
//
// A record goes from Source.Read through Transform.Apply, Mapper.Map and Decider.Decide to
// Session.Encode. A Plan of the encoded items goes to Session.Publish. Optional capabilities of
// a component, such as Confirmer, Preflighter or Hider, are interfaces of their own.
package component
