package expression

import (
	"strings"
	"unicode/utf8"
)

// The parser takes time that grows with the square of the length of some
// documents (deep quotes, unclosed links), so that long ones are parsed in
// pieces.
const (
	wantedPiece = 4 << 10 // from here on a piece ends at the next empty line
	longPiece   = 8 << 10 // from here on it ends with the line
	cutPiece    = 2 << 10 // what longer lines are cut to
)

// piece is a part of a document and what parts it from the next.
type piece struct{ text, after string }

// piecesOf cuts a document, not within fenced code.
func piecesOf(source string) []piece {
	if len(source) <= longPiece {
		return []piece{{text: source}}
	}
	var pieces []piece
	start, at, fence := 0, 0, ""
	for line := range strings.Lines(source) {
		at += len(line)
		fence = fenceAfter(fence, line)
		switch {
		case fence != "":
		case at-start >= wantedPiece && strings.TrimSpace(line) == "":
			pieces, start = append(pieces, piece{source[start:at], "\n\n"}), at
		case at-start >= longPiece:
			for len(line) > longPiece && at-start > cutPiece {
				end := start + cutPiece
				for !utf8.RuneStart(source[end]) && end > start+cutPiece-utf8.UTFMax {
					end--
				}
				pieces, start = append(pieces, piece{source[start:end], ""}), end
			}
			pieces, start = append(pieces, piece{source[start:at], "\n"}), at
		}
	}
	return append(pieces, piece{text: source[start:]})
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
