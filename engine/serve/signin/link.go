package signin

import (
	"errors"
	"html"
	"io"
	"net/http"
)

// withLink uses the code of a link up and begins a session.
func (g *Guard) withLink(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	switch {
	case r.Method != http.MethodGet:
		g.o.Refused(w, r, http.StatusMethodNotAllowed, "Open the link in a browser.")
		return
	case code == "":
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case g.o.Codes == nil:
		g.o.Refused(w, r, http.StatusNotFound, "This server has no sign-in links.")
		return
	}
	mark, err := g.mark(r.Context())
	var name string
	if err == nil {
		name, err = g.o.Codes.Take(r.Context(), code)
	}
	if errors.Is(err, ErrUnknownCode) {
		g.o.Refused(w, r, http.StatusForbidden,
			"This link was used already, or is older than five minutes. Ask for a new one.")
		return
	}
	if err != nil {
		g.o.Log.Error("a sign-in link cannot be checked", "error", err)
		g.o.Refused(w, r, http.StatusServiceUnavailable, "The link cannot be checked now. Try it again.")
		return
	}
	who := g.o.Person(Canonical(name))
	if err := g.begin(w, r, func() *Principal { return who }, mark, "with a link"); err != nil {
		g.notRecorded(w, r, err)
		return
	}
	leadOn(w, "/")
}

// notRecorded refuses a sign-in that SignedIn has not accepted.
func (g *Guard) notRecorded(w http.ResponseWriter, r *http.Request, err error) {
	g.o.Log.Error("a sign-in cannot be recorded", "error", err)
	g.o.Refused(w, r, http.StatusServiceUnavailable, "The sign-in cannot be recorded, so it is refused. Try again.")
}

// leadOn answers with a page that opens a path of this server. A redirect would carry the
// cookie's SameSite rule over from the program or site that opened the address of the request,
// and the browser would not send the cookie.
func leadOn(w http.ResponseWriter, path string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	to := html.EscapeString(path)
	io.WriteString(w, `<!doctype html><html lang="en"><meta charset="utf-8"><title>pipe</title>`+
		`<meta http-equiv="refresh" content="0; url=`+to+`"><p>You are signed in. <a href="`+to+`">Continue</a></p></html>`)
}
