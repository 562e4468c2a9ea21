package config

// lent is a secret in a part of the file whose shape another package knows, such as the
// configuration of a plugin.
type lent struct {
	key string // of Variables.lentKey
	at  Problem
}

// own notes that a connection or a provider of secrets has the secrets that a scalar names.
func (v *Variables) own(n *Node) {
	if v.owned == nil {
		v.owned = map[string]bool{}
	}
	n.named(func(p part) { v.owned[v.lentKey(n, p)] = true })
}

// lend notes the secrets that a scalar of a plugin's configuration names.
func (v *Variables) lend(n *Node) {
	n.named(func(p part) { v.lent = append(v.lent, lent{v.lentKey(n, p), n.span(p.start, p.end)}) })
}

// lentKey returns what a part names, the same for each spelling: a variable, or a secret or file as
// it is written.
func (v *Variables) lentKey(n *Node, p part) string {
	switch {
	case p.name != "":
		return p.name
	case p.secret != "" && v.SecretKey != nil:
		return "${secret:" + v.SecretKey(p.secret) + "}"
	case len(p.file) == 1 && p.file[0].text != "":
		return "${file:" + n.fromFolder(p.file[0].text) + "}"
	}
	return n.text[p.start:p.end]
}

// named calls do with each variable, file and secret that a scalar names, also in defaults.
func (n *Node) named(do func(p part)) {
	if n.kind != Scalar || n.fixed {
		return
	}
	var walk func(parts []part)
	walk = func(parts []part) {
		for _, p := range parts {
			if p.name != "" || p.file != nil || p.secret != "" {
				do(p)
			}
			walk(p.fallback)
		}
	}
	if parts, bad := parseTemplate(n.text); bad == nil {
		walk(parts)
	}
}

// Owns reports whether a connection has the secret of a variable. A part that hands variables
// on, such as env of a plugin, is decoded after the connections and asks for it.
func (d *Decoder) Owns(variable string) bool { return d.vars.owned[variable] }

// Lent are the problems of a plugin's configuration that names the secret of a connection.
func (v *Variables) Lent() (out Problems) {
	for _, l := range v.lent {
		if v.owned[l.key] {
			p := l.at
			p.Code, p.Message, p.Hint = codeSecret, "a plugin does not get the secret of a connection", ownSecret
			out = append(out, p)
		}
	}
	return out
}

const ownSecret = "give the plugin a secret of its own"
