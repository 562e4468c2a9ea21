package markdown

import (
	"strings"
	"unicode/utf8"
)

// The parser takes time that grows with the square of the length of some
// documents (deep quotes, unclosed links), so that long ones are parsed in
// pieces.
const (
	wantedPiece = 4 << 10  // from here on a piece ends at the next empty line
	longPiece   = 8 << 10  // from here on it ends with the line
	cutPiece    = 2 << 10  // what longer lines are cut to
	longCode    = 64 << 10 // from here on a piece ends with the line within fenced code, too
)

// piece is a part of a document, where its text begins in the document, and what
// parts it from the next.
type piece struct {
	text, after string
	start       int
}

// piecesOf cuts a document. A piece that begins within fenced code begins with
// the fence.
func piecesOf(source string) []piece {
	if len(source) <= longPiece {
		return []piece{{text: source}}
	}
	var pieces []piece
	start, at, fence, reopened := 0, 0, "", ""
	end := func(to int, after string) {
		pieces = append(pieces, piece{reopened + source[start:to], after, start - len(reopened)})
		start, reopened = to, ""
	}
	for line := range strings.Lines(source) {
		at += len(line)
		fence = fenceAfter(fence, line)
		switch {
		case fence != "" && at-start < longCode:
		case fence == "" && at-start >= wantedPiece && strings.TrimSpace(line) == "":
			end(at, "\n\n")
		case at-start >= longPiece:
			for len(line) > longPiece && at-start > cutPiece {
				to := start + cutPiece
				for !utf8.RuneStart(source[to]) && to > start+cutPiece-utf8.UTFMax {
					to--
				}
				end(to, "")
			}
			end(at, "\n")
			if fence != "" {
				reopened = fence + "\n"
			}
		}
	}
	return append(pieces, piece{text: reopened + source[start:], start: start - len(reopened)})
}

// fenceAfter is the fence that is open after a line, given the one before it.
func fenceAfter(open, line string) string {
	line = strings.TrimSpace(line)
	if open != "" {
		if strings.HasPrefix(line, open) && strings.Trim(line, open[:1]) == "" {
			return ""
		}
		return open
	}
	for _, mark := range []string{"`", "~"} {
		rest := strings.TrimLeft(line, mark)
		if length := len(line) - len(rest); length >= 3 && !strings.Contains(rest, mark) {
			return line[:length]
		}
	}
	return ""
}
