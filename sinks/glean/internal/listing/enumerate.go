package listing

import "fmt"

// Enumerate joins the first of some texts and counts the others.
func Enumerate(texts []string, most int) string {
	out := ""
	for i, t := range texts {
		if i == most {
			return fmt.Sprintf("%s and %d more", out, len(texts)-most)
		}
		if i > 0 {
			out += "; "
		}
		out += t
	}
	return out
}
