package expression

import (
	"errors"
	"strings"

	"github.com/pipe-engine/pipe/engine/markdown"
)

// pageFunctions returns the functions that create text for people.
func pageFunctions() []Function {
	converter := markdown.New()
	return []Function{{
		Name: "plain", Signature: "plain(markdown)", MinArgs: 1, MaxArgs: 1, Gives: TextKind,
		Doc: "The plain text of Markdown and HTML, without marks and tags: a line for each block, line break and list " +
			"item, ` | ` between cells, links as text (url), the text of code. Comments, scripts and styles are left out. At " +
			"most 1 MiB of Markdown.",
		Examples: []Example{{Expr: `plain("See **the** [docs](https://example.com).")`, Result: "See the docs (https://example.com)."},
			{Expr: `plain("Takes <b>orders</b>.<br>Keeps stock.")`, Result: "Takes orders.\nKeeps stock."}},
		Call: onText(func(text string) (any, error) { return plain(converter, text) }),
	}, {
		Name: "lines", Signature: "lines(parts…)", MinArgs: 0, MaxArgs: -1, Gives: TextKind,
		Doc: "The parts that are not empty, one per line. A list adds each of its elements. Nil when " +
			"nothing is left.",
		Examples: []Example{{Expr: `lines("a", nil, ["b", ""])`, Result: "a\nb"}, {Expr: `lines(nil, "")`}},
		Call:     pure(func(args []any) (any, error) { return joinFull("", args, "\n") }),
	}, {
		Name: "entry", Signature: "entry(label, value)", MinArgs: 2, MaxArgs: 2, Gives: TextKind,
		Doc:      "`Label: value`, the elements of a list with commas between. Nil when the value is empty.",
		Examples: []Example{{Expr: `entry("Owner", "Team A")`, Result: "Owner: Team A"}, {Expr: `entry("Tags", ["go", "api"])`, Result: "Tags: go, api"}, {Expr: `entry("Owner", nil)`}},
		Call:     pure(entry),
	}, {
		Name: "bullets", Signature: "bullets(title, list)", MinArgs: 2, MaxArgs: 2, Gives: TextKind,
		Doc:      "`Title:` and a line `- element` for each element that is not empty. Nil when there is none.",
		Examples: []Example{{Expr: `bullets("Members", ["Ann", nil, "Bob"])`, Result: "Members:\n- Ann\n- Bob"}, {Expr: `bullets("Members", [])`}},
		Call:     pure(bullets),
	}, {
		Name: "link", Signature: "link(title, url)", MinArgs: 2, MaxArgs: 2, Gives: TextKind,
		Doc: "`title (url)`, or the URL alone when there is no title. Nil without a URL.",
		Examples: []Example{{Expr: `link("Docs", "https://example.com")`, Result: "Docs (https://example.com)"}, {Expr: `link(nil, "https://example.com")`, Result: "https://example.com"},
			{Expr: `link("Docs", nil)`}},
		Call: pure(link),
	}}
}

// plain converts Markdown within the limits of an expression.
func plain(converter *markdown.Converter, source string) (any, error) {
	text, err := converter.Plain(source)
	switch {
	case errors.Is(err, markdown.ErrSource):
		return nil, limitError("is given more than 1 MiB of Markdown")
	case err != nil:
		return nil, errText
	}
	return text, nil
}

func entry(args []any) (any, error) {
	label, _, err := asText(args[0])
	if err != nil {
		return nil, err
	}
	return joinFull(label+": ", args[1], ", ")
}

func bullets(args []any) (any, error) {
	title, ok, err := asText(args[0])
	if err != nil {
		return nil, err
	}
	begin := "- "
	if ok && title != "" {
		begin = title + ":\n- "
	}
	return joinFull(begin, args[1], "\n- ")
}

func link(args []any) (any, error) {
	title, _, err := asText(args[0])
	if err != nil {
		return nil, err
	}
	url, _, err := asText(args[1])
	title, url = strings.TrimSpace(title), strings.TrimSpace(url)
	switch {
	case err != nil || url == "":
		return nil, err
	case title == "" || title == url:
		return url, nil
	}
	return joined([]string{title, " (", url, ")"}, "")
}
