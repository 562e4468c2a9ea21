package markdown

import (
	"html"
	"regexp"
	"strings"
)

// role is the effect of an HTML element on the text around it.
type role uint8

const (
	inlineRole    role = iota // nothing: a<b>b</b> is ab
	lineRole                  // begins and ends a line
	paragraphRole             // the same, with an empty line
	cellRole                  // is parted from the next cell of its row
	itemRole                  // is a list item
	hiddenRole                // its content is not text
)

// elements are the elements of HTML; what has another name is no tag.
var elements = elementRoles(map[role]string{
	inlineRole: `a abbr area audio b base bdi bdo big canvas cite code data del dfn em embed font i iframe img
		input ins kbd label link map mark meta meter noscript object output param picture progress q rp
		rt ruby s samp slot small source span strike strong sub sup svg template textarea time track tt
		u var video wbr button col colgroup head html body`,
	lineRole: `address article aside blockquote br caption center dd details dialog div dl dt fieldset
		figcaption figure footer form header hr legend main menu nav ol optgroup option pre search
		section select summary table tbody tfoot thead title tr ul`,
	paragraphRole: `h1 h2 h3 h4 h5 h6 p`,
	cellRole:      `td th`,
	itemRole:      `li`,
	hiddenRole:    `script style`,
})

func elementRoles(names map[role]string) map[string]role {
	out := map[string]role{}
	for role, list := range names {
		for _, name := range strings.Fields(list) {
			out[name] = role
		}
	}
	return out
}

var (
	htmlTag = regexp.MustCompile(
		`(?s)<!--.*?-->|<!--|</?[A-Za-z](?:[^<>"']|"[^"<]*"|'[^'<]*')*>|<(?:/?[A-Za-z]|[?]|!\[?[A-Za-z])[^<>]*>`,
	)
	htmlName    = regexp.MustCompile(`^</?([A-Za-z][A-Za-z0-9]*)(?:[\s/>]|$)`)
	placeholder = regexp.MustCompile(`^<[A-Za-z][^<>=/"']*>$`)
	entity      = regexp.MustCompile(`&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});`)
	// hiddenEnds match the end of a part that is not text, by its start.
	hiddenEnds = map[string]*regexp.Regexp{
		"!--":    regexp.MustCompile(`-->`),
		"script": regexp.MustCompile(`(?i)</script\b[^<>]*>?`),
		"style":  regexp.MustCompile(`(?i)</style\b[^<>]*>?`),
	}
)

// html writes the text of HTML at an offset of the document.
func (w *writer) html(s string, at int) {
	for s != "" {
		if w.hidden != nil {
			rest := w.shown(s)
			s, at = rest, at+len(s)-len(rest)
			continue
		}
		tag := htmlTag.FindStringIndex(s)
		if tag == nil {
			w.write(decoded(s))
			return
		}
		w.write(decoded(s[:tag[0]]))
		if hides := w.tag(s[tag[0]:tag[1]], at+tag[0]); hides && w.hidden == nil {
			return // it is never closed
		}
		s, at = s[tag[1]:], at+tag[1]
	}
}

// tag writes the text for a tag at an offset of the document: a gap, or the tag itself if it
// only looks like one, such as <your-name>. hides reports that what follows is not text; it is
// left out up to its end, if it has one.
func (w *writer) tag(tag string, at int) (hides bool) {
	if w.hidden != nil {
		w.write(tag)
		return false
	}
	if strings.HasPrefix(tag, "<!--") {
		return !strings.HasSuffix(tag, "-->") && w.hide("!--", at)
	}
	name := ""
	if m := htmlName.FindStringSubmatch(tag); m != nil {
		name = strings.ToLower(m[1])
	}
	role, known := elements[name]
	opens := tag[1] != '/'
	switch {
	case !known && placeholder.MatchString(tag):
		w.write(tag)
	case role == lineRole:
		w.newline(1)
	case role == paragraphRole:
		w.newline(2)
	case role == cellRole:
		w.gap.cell = w.at == inText
	case role == itemRole:
		w.newline(1)
		w.gap.item = opens && w.at != afterMark
	case role == hiddenRole && opens:
		return w.hide(name, at)
	}
	return false
}

// hide leaves out what follows up to the end of its kind, if the document has one.
func (w *writer) hide(kind string, at int) bool {
	last, known := w.lastEnds[kind]
	if !known {
		last = -1
		if all := hiddenEnds[kind].FindAllStringIndex(w.whole, -1); len(all) > 0 {
			last = all[len(all)-1][0]
		}
		w.lastEnds[kind] = last
	}
	if last > at {
		w.hidden = hiddenEnds[kind]
	}
	return true
}

// shown returns the part of a text after the end of what is hidden.
func (w *writer) shown(s string) string {
	end := w.hidden.FindStringIndex(s)
	if end == nil {
		return ""
	}
	w.hidden = nil
	return s[end[1]:]
}

// decoded replaces entities such as &amp;, once.
func decoded(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	return entity.ReplaceAllStringFunc(s, decodedOne)
}

func decodedOne(s string) string {
	if out := html.UnescapeString(s); out == ";" || !strings.HasSuffix(out, ";") {
		return out
	}
	return s // not an entity, although it may begin like one
}
