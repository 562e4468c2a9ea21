// Package openid signs a person in at an OpenID provider with the authorization code flow, PKCE
// and a nonce. It decides what of the provider's answer may be believed; package signin keeps the
// attempt of a browser and decides what the person may do.
package openid
