package lsp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/editor/analysis"
)

type feature func(ctx context.Context, m message) (any, error)

// placed returns a feature about a place of an open file.
func placed(s *Server, answer func(ctx context.Context, path string, offset int, p placeParams) (any, error)) feature {
	return func(ctx context.Context, m message) (any, error) {
		return with(m, func(p placeParams) (any, error) {
			path, ok := pathOf(p.TextDocument.URI)
			if !ok {
				return nil, nil
			}
			return answer(ctx, path, s.w.Document(path).Offset(p.Position), p)
		})
	}
}

func (s *Server) features() map[string]feature {
	return map[string]feature{
		"textDocument/completion":     placed(s, s.completion),
		"textDocument/hover":          placed(s, s.hover),
		"textDocument/definition":     placed(s, s.definition),
		"textDocument/references":     placed(s, s.references),
		"textDocument/rename":         placed(s, s.rename),
		"textDocument/documentSymbol": placed(s, s.symbols),
		"textDocument/codeLens":       placed(s, s.lenses),
		"textDocument/formatting":     placed(s, s.format),
		"workspace/executeCommand": func(ctx context.Context, m message) (any, error) {
			return with(m, func(p commandParams) (any, error) {
				c, ok := s.commands[p.Command]
				if !ok {
					return nil, paramsError{errors.New("there is no command " + p.Command)}
				}
				return c(ctx, p.Arguments)
			})
		},
	}
}

func (s *Server) completion(_ context.Context, path string, offset int, _ placeParams) (any, error) {
	d := s.w.Document(path)
	items := []completionItem{}
	kinds := map[analysis.Kind]int{analysis.Key: 10, analysis.Name: 6, analysis.Function: 3, analysis.Value: 12}
	for i, c := range s.w.Complete(path, offset) {
		one := completionItem{Label: c.Label, Kind: kinds[c.Kind], Detail: c.Detail, SortText: fmt.Sprintf("%04d", i),
			TextEdit: &textEdit{d.Span(c.Edit.From, c.Edit.To), c.Edit.New}}
		if c.Detail != "" {
			one.LabelDetails = &labelDetails{c.Detail}
		}
		if c.Doc != "" {
			one.Documentation = &markup{"markdown", c.Doc}
		}
		items = append(items, one)
	}
	return items, nil
}

func (s *Server) hover(ctx context.Context, path string, offset int, _ placeParams) (any, error) {
	content, from, to := s.w.Hover(ctx, path, offset)
	if content == "" {
		return nil, nil
	}
	return hover{markup{"markdown", content}, s.w.Document(path).Span(from, to)}, nil
}

func (s *Server) locations(all []analysis.Place) []location {
	out := []location{}
	for _, p := range all {
		out = append(out, location{uriOf(p.Path), s.w.Document(p.Path).Span(p.From, p.To)})
	}
	return out
}

func (s *Server) definition(_ context.Context, path string, offset int, _ placeParams) (any, error) {
	return s.locations(s.w.Definition(path, offset)), nil
}

func (s *Server) references(_ context.Context, path string, offset int, _ placeParams) (any, error) {
	return s.locations(s.w.References(path, offset)), nil
}

func (s *Server) rename(_ context.Context, path string, offset int, p placeParams) (any, error) {
	edits, err := s.w.Rename(path, offset, p.NewName)
	if err != nil {
		return nil, err
	}
	return editOf(p.TextDocument.URI, s.w.Document(path), edits), nil
}

func (s *Server) symbols(_ context.Context, path string, _ int, _ placeParams) (any, error) {
	d := s.w.Document(path)
	var convert func(all []analysis.Symbol) []symbol
	convert = func(all []analysis.Symbol) []symbol {
		out := []symbol{}
		for _, one := range all {
			r := d.Span(one.Place.From, one.Place.To)
			made := symbol{Name: one.Name, Detail: one.Detail, Kind: 8, Range: r, SelectionRange: r,
				Children: convert(one.Children)}
			if n := len(made.Children); n > 0 {
				made.Range.End = made.Children[n-1].Range.End
			}
			out = append(out, made)
		}
		return out
	}
	return convert(s.w.Outline(path)), nil
}

func (s *Server) lenses(_ context.Context, path string, _ int, p placeParams) (any, error) {
	d := s.w.Document(path)
	out := []codeLens{}
	for _, l := range s.w.Lenses(path) {
		c := lensCommand{l.Title, "pipe.explain", []string{p.TextDocument.URI}}
		if l.Test != "" {
			c.Command, c.Arguments = "pipe.test", append(c.Arguments, l.Test)
		}
		out = append(out, codeLens{d.Span(l.Place.From, l.Place.To), c})
	}
	return out, nil
}

func (s *Server) format(_ context.Context, path string, _ int, p placeParams) (any, error) {
	return editOf("", s.w.Document(path), s.w.Format(path)).Changes[""], nil
}

type command func(ctx context.Context, args []string) (any, error)

// allCommands returns what an editor can run. A result is a text to show, as Markdown.
func (s *Server) allCommands() map[string]command {
	return map[string]command{"pipe.explain": s.explain, "pipe.test": s.test, "pipe.samples": s.samples,
		"pipe.choose": s.choose}
}

// argument returns the path that the first argument of a command names.
func argument(args []string) (string, error) {
	if len(args) == 0 {
		return "", paramsError{errors.New("the first argument is the address of the file")}
	}
	path, ok := pathOf(args[0])
	if !ok {
		return "", paramsError{errors.New("the first argument is not the address of a file")}
	}
	return path, nil
}

func (s *Server) explain(ctx context.Context, args []string) (any, error) {
	path, err := argument(args)
	if err != nil {
		return nil, err
	}
	return s.w.Explain(ctx, path)
}

// test runs the tests of a file, or the one of the second argument, shows what failed, and puts
// the failures at their places.
func (s *Server) test(ctx context.Context, args []string) (any, error) {
	path, err := argument(args)
	if err != nil {
		return nil, err
	}
	name := ""
	if len(args) > 1 {
		name = args[1]
	}
	all, err := s.w.Test(ctx, path, name)
	if err != nil {
		return nil, err
	}
	d := s.w.Document(path)
	found := s.diagnostics(path, &document{d: d})
	var b strings.Builder
	for _, o := range all {
		word := "ok"
		if !o.OK {
			word = "FAIL"
		}
		fmt.Fprintf(&b, "%s  %s\n", word, o.Name)
		for _, f := range o.Failures {
			fmt.Fprintf(&b, "    line %d: %s\n", f.Line, f.Message)
			if f.Diff != "" {
				fmt.Fprintf(&b, "      %s\n", strings.ReplaceAll(strings.TrimRight(f.Diff, "\n"), "\n", "\n      "))
			}
			found = append(found, diagnostic{Severity: 1, Source: "pipe test", Message: f.Message + "\n" + f.Diff,
				Range: d.Span(d.OffsetOf(f.Line, f.Col), d.OffsetOf(f.Line, 1<<20))})
		}
	}
	return b.String(), s.s.notify("textDocument/publishDiagnostics",
		diagnosticsParams{URI: args[0], Diagnostics: found})
}

// samples lists the refs that can be chosen.
func (s *Server) samples(ctx context.Context, args []string) (any, error) {
	path, err := argument(args)
	if err != nil {
		return nil, err
	}
	return s.w.Refs(ctx, path)
}

// choose takes a source of records ("tests", "sandbox", a path, "" to choose) and a ref.
func (s *Server) choose(_ context.Context, args []string) (any, error) {
	path, err := argument(args)
	if err != nil {
		return nil, err
	}
	var c analysis.Sample
	if len(args) > 1 {
		c.File = args[1]
	}
	if len(args) > 2 {
		c.Ref = args[2]
	}
	s.w.Choose(path, c)
	return nil, nil
}
