// Package signin says who sends a request to a server of pipe, and what they may do.
//
// A browser signs in with a link that works once (Codes), with the token of a person, or at an
// OpenID provider (OpenID), and then has a session: a cookie that scripts and other sites cannot
// use. Who a session belongs to, and what they may do, is asked again for each request: it follows
// the tokens file and the grants of the provider's file. A program sends a token of the tokens file
// (Tokens) in the header Authorization; a token is never taken from a cookie, and a cookie is never
// accepted where a token is expected. Guard makes the checks that do not depend on who asks: the
// Host header, the origin of a request that changes something, and the headers that keep a browser
// from mixing the pages with others.
//
// A name is that of a person or of a program, never of both, and a person has one name whichever
// way they sign in: e-mail addresses are compared without regard to the case of their letters.
package signin
