package markdown

import (
	"strings"
	"unicode/utf8"
)

// For some documents (deep quotes, unclosed links), the parser takes time that grows with the
// square of their length. Long documents are therefore parsed in pieces.
const (
	wantedPiece = 4 << 10  // from this length a piece ends at the next empty line
	longPiece   = 8 << 10  // from this length it ends with the line
	cutPiece    = 2 << 10  // longer lines are cut to this length
	longCode    = 64 << 10 // from this length a piece ends with the line even in fenced code
)

// piece is a part of a document, the offset of its text in the document, and the separator from
// the next piece.
type piece struct {
	text, after string
	start       int
}

// piecesOf splits a document. A piece that starts inside fenced code begins with the fence.
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

// fenceAfter returns the fence that is open after a line, given the one before it.
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
