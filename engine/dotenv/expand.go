package dotenv

import (
	"regexp"
	"strings"
)

// reference matches a variable in braces. Names are as strict as in a pipeline file: ${ in a
// generated password rarely matches.
var reference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// escapes are the values of escapes in double quotes; before any other character, a backslash
// is literal.
var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '"': `"`, '\\': `\`, '$': "$"}

// expand replaces the ${NAME} and the escapes of a value that starts on a line.
func (p *parser) expand(text string, line int, escaped bool) (string, error) {
	var b strings.Builder
	for at := 0; at < len(text); {
		rest := text[at:]
		switch {
		case escaped && rest[0] == '\\' && len(rest) > 1 && escapes[rest[1]] != "":
			b.WriteString(escapes[rest[1]])
			at += 2
		case strings.HasPrefix(rest, "${"):
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return "", p.wrong(line+strings.Count(text[:at], "\n"), "the value has a ${ without a closing }",
					"write ${NAME}, or put a literal value into single quotes")
			}
			b.WriteString(p.replaced(rest[:end+1]))
			at += end + 1
		default:
			b.WriteByte(rest[0])
			at++
		}
	}
	return b.String(), nil
}

// replaced returns the value of a ${NAME}, or the text itself when NAME is not set or not a
// name.
func (p *parser) replaced(text string) string {
	m := reference.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	if p.environment != nil {
		if v, ok := p.environment(m[1]); ok {
			return v
		}
	}
	if v, ok := p.file.values[m[1]]; ok {
		return v
	}
	return text
}
