// Package page writes a run or a diff as one HTML page: what changed, who can find what,
// what was rejected, and how to allow a refused run. A page needs no network and no
// script; its style is in the page itself.
//
// RunPage and DiffPage build a Page, a plain value of sections and tables, and Write
// renders it; other front ends can add sections of their own. Write escapes and
// redacts every text of a page as all output is (invariant 6).
package page
