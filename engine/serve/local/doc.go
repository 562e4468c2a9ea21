// Package local serves a page to a person on this machine: on loopback alone, to browsers that have
// opened a link that works once, until it has not been used for a while. A front end such as
// preview provides the page; signin.Guard makes the checks of each request.
package local
