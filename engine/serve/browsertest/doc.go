// Package browsertest drives a page in a real browser, in tests with the build tag browser
// or editor.
package browsertest
