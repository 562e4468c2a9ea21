package markdown

import (
	"strings"
	"testing"
)

// TestPlainHTML: block tags, line breaks and cells separate words, inline tags add nothing, and
// only text is output.
func TestPlainHTML(t *testing.T) {
	for name, c := range map[string][2]string{
		"line break": {"Takes orders.<br>Keeps stock.<br/>Sends <BR />mail.",
			"Takes orders.\nKeeps stock.\nSends\nmail."},
		"line break at a line end": {"one<br>\ntwo", "one\ntwo"},
		"paragraphs":               {"<p>Takes orders.</p><p>Keeps stock.</p>", "Takes orders.\n\nKeeps stock."},
		"headings":                 {"<h1>Shop</h1>Takes<h2 class=\"x\">Stock</h2>Keeps", "Shop\n\nTakes\n\nStock\n\nKeeps"},
		"divisions":                {"<div>a<div>b</div>c</div>\n\nd", "a\nb\nc\n\nd"},
		"list":                     {"<ul><li>orders</li><li>stock</li></ul>", "- orders\n- stock"},
		"list over lines":          {"<ul>\n  <li>orders</li>\n  <li>stock</li>\n</ul>\nmore", "- orders\n- stock\nmore"},
		"empty items":              {"<ul><li></li><li> </li></ul>after", "after"},
		"list within a list":       {"<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n- b\n- c"},
		"list in a paragraph":      {"text <ul><li>a</li></ul> rest", "text\n- a\nrest"},
		"item of HTML in Markdown": {"- <p>one</p>\n- <ul><li>two</li></ul>\n- x<br>y", "- one\n- two\n- x\n  y"},
		"table":                    {"<table><tr><td>SLA</td><td>99.9</td></tr></table>", "SLA | 99.9"},
		"table over lines": {"<table>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n<tr><td>1<td>2</tr>\n</table>",
			"a | b\n1 | 2"},
		"cells of a Markdown table": {"| a | b |\n|---|---|\n| 1<br>2 | <br>3<br> |\n| 4 | 5 |", "a | b\n1\n2 | 3\n4 | 5"},
		"definitions":               {"<dl><dt>Queue</dt><dd>orders</dd></dl>", "Queue\norders"},
		"inline tags":               {"a<b>bold</b>c and x<sup>2</sup>", "aboldc and x2"},
		"inline tags in a block":    {"<p>a<em>b</em><span style=\"x\">c</span> <a href='y'>d</a></p>", "abc d"},
		"block tag before a link":   {"see<div>[docs](https://e.com)", "see\ndocs (https://e.com)"},
		"line break before a link":  {"a <br>[https://e.com](https://e.com)", "a\nhttps://e.com"},
		"line break in a link":      {"[a<br>b](u)", "a\nb (u)"},
		"line break begins a link":  {"x     [ <br>b](u)", "x     \nb (u)"},
		"cell before a link":        {"a<td>[https://e.com](https://e.com)", "a | https://e.com"},
		"code after a block":        {"<div>a</div>\n\n```\n  x\n```", "a\n\n  x"},
		"Markdown within HTML": {"<details>\n<summary>More</summary>\n\n**bold**\n\n</details>\n\nend",
			"More\n\nbold\n\nend"},

		"comment":                 {"a<!-- x -->b<!-- y\nz -->c", "abc"},
		"comment that is a block": {"<!--\nhidden\n\nhidden --> shown\n\nshown", "shown\n\nshown"},
		"comment over blocks":     {"<div>\n<!-- a\n\nb --> c</div>", "c"},
		"comment never closed":    {"shown\n\n<!-- hidden\n\nhidden", "shown"},
		"script":                  {"a <script>alert(\"<p>1</p>\")</script>b", "a b"},
		"script that is a block":  {"<script src=\"x\">\nif (a < b) {}\n\nalert(1)\n</script >\nshown", "shown"},
		"script over blocks":      {"<div>\n<SCRIPT>\n\nalert(**1**)\n\n`x`\n\n</Script>\n</div>\n\nshown", "shown"},
		"style": {"<style>\np { color: red }\n</style>\n\nshown <style>b{}</style>too",
			"shown too"},
		"script in words": {"the <script> tag loads it", "the  tag loads it"},
		"script in code": {"`<script>` and\n\n```html\n<script>x</script>\n```",
			"<script> and\n\n<script>x</script>"},
		"script that ends in the comment": {"<script><!--\nx\n</script>\n\nshown", "shown"},
		"text after a block ends":         {"<pre>one\ntwo</pre> three\n\nfour", "one\ntwo\nthree\n\nfour"},

		"entities once":            {"&amp;lt; &lt;b&gt; A&amp;B &#60;i&#x3e; \\&lt;", "&lt; <b> A&B <i> &lt;"},
		"entities in HTML once":    {"<p>&amp;lt; &lt;b&gt; &eacute;</p>", "&lt; <b> é"},
		"not an entity":            {"a&b=1&copy=2 &notit; &; AT&T &semi;", "a&b=1&copy=2 &notit; &; AT&T ;"},
		"attributes with brackets": {"<div>\n<a title=\"a > b\" href='x>y'>link</a></div>", "link"},
		"quotes never closed":      {"<div>\n<a title=\"a>link</a> \"said\" she</div>", "link \"said\" she"},
		"tags never closed":        {"<div><p>a<table><tr><td>b", "a\nb"},
		"tags never opened":        {"a</td></p></li></ul></script>b", "a\n\nb"},
		"a tag that never ends":    {"<div>\na <b", "a <b"},
		"what only looks like tags": {"say <your-name> to Map<String, Text> if a<b and <3",
			"say <your-name> to Map<String, Text> if a<b and <3"},
		"declarations": {"<!DOCTYPE html>\n\na <?php echo 1 ?>b", "a b"},
	} {
		if got, err := New().Plain(c[0]); err != nil || got != c[1] {
			t.Errorf("%s: %q:\n%q, %v; want\n%q", name, c[0], got, err, c[1])
		}
	}
}

// TestPlainHTMLInPieces: a hidden part stays hidden across the pieces in which a long document
// is parsed.
func TestPlainHTMLInPieces(t *testing.T) {
	for name, section := range map[string]string{"lines": "hidden { }\n", "paragraphs": "hidden\n\n",
		"one line": "hidden "} {
		for _, around := range [][2]string{{"<style>", "</style>"}, {"<!--", "-->"},
			{"<div>\n<script>\n\n", "\n\n</script>"}} {
			source := "before\n\n" + around[0] + strings.Repeat(section, 3000) + around[1] + "\n\nafter"
			if got, err := New().Plain(source); err != nil || strings.Contains(got, "hidden") ||
				!strings.HasPrefix(got, "before") ||
				!strings.HasSuffix(got, "after") {
				t.Errorf("%s in %s: %v, %d bytes: %.80q", name, around[0], err, len(got), got)
			}
		}
	}
	source := "<script>hidden</script>\n\n" + strings.Repeat("text\n\n", 3000) + "the <script> tag and after"
	if got, err := New().Plain(source); err != nil || strings.Contains(got, "hidden") ||
		!strings.HasSuffix(got, "the  tag and after") {
		t.Errorf("a script that ends before the last begins: %v, %.80q", err, got[max(0, len(got)-80):])
	}
}
