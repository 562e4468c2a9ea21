// Package push is the source `source: {push: …}`: it reads the records that were pushed into a
// store, with the model of another source. Package store keeps them.
package push
