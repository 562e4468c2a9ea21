// Package api answers programs over HTTP, under Prefix. Its description is openapi.json, which a
// test compares with the handlers and their answers.
//
// A request carries a token in the header Authorization; each route needs one role for the
// pipeline that it names. A pipeline for which a token has no role does not exist for it.
package api
