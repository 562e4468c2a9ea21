// Package pages shows people what a server does: its pipelines and their runs, the refusals that
// wait for approval, and the audit log. The pages are rendered on the server and work without
// JavaScript; the script only keeps the page of a run that goes on up to date.
//
// Every page asks for a session and a role. What names a single restricted document needs the
// role inspect, and each look at it is in the audit log.
package pages
