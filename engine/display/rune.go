package display

import (
	"unicode"
	"unicode/utf8"
)

// hidden are the invisible runes: controls, format characters (bidirectional controls,
// zero-width characters, tags), line and paragraph separators, fillers and variation selectors.
var hidden = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
	unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector,
}

const (
	joiner       = '\u200d'
	textStyle    = '\ufe0e'
	emojiStyle   = '\ufe0f'
	firstIdeoVar = 0xe0100
	lastIdeoVar  = 0xe01ef
)

// safe reports whether r can be shown unescaped between the rune before it and the text after
// it. A joiner is shown between two pictographs, a variation selector after the character that
// it modifies. Line breaks and tabs are not safe.
func safe(before, r rune, after string) bool {
	switch {
	case r < 0x7f:
		return r >= ' '
	case r < 0xa0 || r == 0xad:
		return false
	case r < 0x300:
		return true
	case r == joiner:
		next, _ := utf8.DecodeRuneInString(after)
		return (pictograph(before) || before == emojiStyle || skinTone(before)) && pictograph(next)
	case r == textStyle || r == emojiStyle:
		return pictograph(before) || before == '#' || before == '*' || '0' <= before && before <= '9'
	case firstIdeoVar <= r && r <= lastIdeoVar:
		return unicode.Is(unicode.Han, before)
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // Cf with a glyph
		return true
	}
	return !unicode.IsOneOf(hidden, r)
}

// pictograph reports whether r can be a part of an emoji sequence.
func pictograph(r rune) bool {
	switch {
	case r == '↔' || r == '↕' || r == '©' || r == '®' || r == '‼' || r == '⁉' || r == '™':
		return true
	case 0x2190 <= r && r <= 0x2bff, 0x1f000 <= r && r <= 0x1faff:
		return unicode.Is(unicode.So, r)
	}
	return false
}

func skinTone(r rune) bool { return 0x1f3fb <= r && r <= 0x1f3ff }
