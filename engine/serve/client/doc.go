// Package client makes requests to the API of a server of pipelines, for programs that ask for a
// run, approve a refusal or look at a document. What the requests and answers mean is in the
// description of the API, see package api.
package client
