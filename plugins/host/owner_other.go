//go:build !unix

package host

// settled is not told apart on this system: each file runs where it stands.
func settled(string) bool { return true }
