// Package redact removes secrets from texts before a person, a log or a file gets them
// (invariant 6: secrets stay secret). A Redactor is given the secrets of a run as they
// become known; Clean replaces them in one text, and Stream in output as it is written.
package redact
