package config

import (
	"reflect"
	"strings"
)

// FileText is how a text field with the tag file:"true" holds a ${file:PATH}
// that makes up the whole of it. The file is not read here: whoever knows what
// it is to hold does that.
func FileText(path string) string { return "${file:" + path + "}" }

// FileNamed is the path of a FileText, which starts where the program runs. ok
// is false for any other text.
func FileNamed(text string) (path string, ok bool) {
	path, ok = strings.CutPrefix(text, "${file:")
	if !ok || !strings.HasSuffix(path, "}") {
		return "", false
	}
	return strings.TrimSuffix(path, "}"), true
}

// namesFile decodes a scalar that is ${file:PATH} and nothing else; a relative
// path starts from the folder of the pipeline file. It is false for any other.
func (d *Decoder) namesFile(n *Node, v reflect.Value) bool {
	if n.IsNull() || n.broken || n.kind != Scalar || n.fixed {
		return false
	}
	parts, bad := parseTemplate(n.text)
	if bad != nil || len(parts) != 1 || parts[0].file == nil {
		return false
	}
	in := &interpolation{d: d, node: n}
	in.note(parts, false)
	path := in.text(parts[0].file)
	switch {
	case in.failed:
	case in.unresolved:
		d.leave(n)
	case strings.TrimSpace(path) == "":
		d.Problem(n, codeInvalid, "the path of the file is empty", "write ${file:PATH}")
	case !d.vars.readable(n.fromFolder(path)):
		d.leave(n)
	default:
		v.SetString(FileText(n.fromFolder(path)))
	}
	return true
}
