// Package auth adds credentials to HTTP requests. A pipeline file lists the layers of a
// connection under `auth:` (Layers), one scheme each; each scheme has a file here. New
// makes a List of them, which signs every request of one origin. It imports no package
// that makes requests: what it needs to reach a token endpoint is an http.RoundTripper.
//
// A layer writes headers of its own, and no two layers write the same header. A credential
// that expires is obtained by one request at a time and renewed before it expires; one
// that the server refuses with 401 is renewed once. Every credential is given to the
// Redactor before it is used (invariant 6: secrets stay secret).
package auth
