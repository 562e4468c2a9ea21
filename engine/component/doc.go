// Package component is the contract between the engine and its components: what a
// source, a transform, a mapper, the permissions and a sink do, the records and
// items that they hand on, and how each is described to the program. Components
// import it, and nothing of the engine above it.
//
// A record goes from Source.Read through Transform.Apply, Mapper.Map and
// Decider.Decide to Session.Encode; a Plan of what was encoded goes to
// Session.Publish. What a component can do beyond that is an interface of its own,
// such as Confirmer, Preflighter or Hider.
package component
