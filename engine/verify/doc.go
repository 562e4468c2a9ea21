// Package verify compares what a source shows a person, with a token of that person, with what
// the person would find after a run. A document that the person finds although the source hides
// its record is an exposure.
//
// Both reads are those of a dry run: nothing is sent, and no request goes to the sink.
package verify
