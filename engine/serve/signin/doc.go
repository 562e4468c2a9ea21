// Package signin says who sends a request to a server of pipe, and what they may do.
//
// A browser signs in with a link that works once (Codes) or with OpenID Connect, and then has a
// session: a cookie that scripts and other sites cannot use. A program sends a token of the
// tokens file (Tokens) in the header Authorization; a token is never taken from a cookie, and a
// cookie is never accepted where a token is expected. Guard makes the checks that do not depend
// on who asks: the Host header, the origin of a request that changes something, and the headers
// that keep a browser from mixing the pages with others.
package signin
