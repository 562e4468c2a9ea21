// Package cli has the commands of pipe-worker: flags and printing. What they do is in package fleet.
package cli
