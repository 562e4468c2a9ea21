// Package web puts the front ends of a server on one address: health, the API, the metrics and
// the pages. It decides where a server may listen: off this machine only with TLS, or behind a
// proxy that adds it.
package web
