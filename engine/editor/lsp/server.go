package lsp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/analysis"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Server serves one editor.
type Server struct {
	host analysis.Host
	w    *analysis.Workspace
	s    *stream

	mu       sync.Mutex
	open     map[string]*document // by path
	pending  map[string]bool      // paths whose diagnostics are due
	first    string               // the one of them that a person types in
	due      chan struct{}
	state    state
	commands map[string]command
}

// document is an open file.
type document struct {
	uri     string
	version int
	d       *text.Document
	large   bool // too large to be kept
}

// Serve serves an editor until it asks for the exit, closes the stream, or ctx ends. Stopped
// without shutdown, it returns an error.
func Serve(ctx context.Context, h analysis.Host, in io.Reader, out io.Writer) error {
	s := &Server{host: h, w: analysis.New(h, nil), s: &stream{in: bufio.NewReader(in), out: out},
		open: map[string]*document{}, pending: map[string]bool{}, due: make(chan struct{}, 1)}
	s.commands = s.allCommands()
	ctx, cancel := context.WithCancel(ctx)
	var checks sync.WaitGroup
	checks.Go(func() { s.publish(ctx) })
	defer checks.Wait()
	defer cancel()
	q := newQueue(ctx)
	go q.fill(s.s)
	for {
		c, err := q.next(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errTooLarge), errors.Is(err, errNotJSON):
			if err := s.s.reply(nil, nil, &responseError{codeParse, err.Error()}); err != nil {
				return err
			}
			continue
		case errors.Is(err, io.EOF) && s.state == ending:
			return nil
		case errors.As(err, new(*fault.Invalid)):
			return err
		case err != nil:
			return fmt.Errorf("the editor closed the connection without asking pipe lsp to shut down: %w", err)
		case c.Method == "exit" && s.state == ending:
			return nil
		case c.Method == "exit":
			return errors.New("the editor asked for the exit without shutdown")
		}
		if err := s.handle(c); err != nil {
			return err
		}
	}
}

// handle answers a message. A defect in one answer does not end the server.
func (s *Server) handle(c *call) error {
	defer c.end()
	if c.Method == "" { // an answer, although nothing was asked
		return nil
	}
	result, err := s.answer(c.ctx, c.message)
	if len(c.ID) == 0 {
		return nil
	}
	var wrong *responseError
	switch {
	case c.ctx.Err() != nil:
		wrong = &responseError{codeCancelled, "the request was cancelled"}
	case errors.Is(err, errEarly):
		wrong = &responseError{codeNotInitialized, err.Error()}
	case errors.Is(err, errOrder):
		wrong = &responseError{codeInvalidRequest, err.Error()}
	case errors.Is(err, errUnknown):
		wrong = &responseError{codeMethodNotFound, "there is no method " + c.Method}
	case errors.As(err, new(paramsError)):
		wrong = &responseError{codeInvalidParams, err.Error()}
	case err != nil:
		wrong = &responseError{codeInternal, err.Error()}
	}
	return s.s.reply(c.ID, result, wrong)
}

// state is how far the editor is. Requests are answered between initialize and shutdown.
type state int

const (
	starting state = iota
	running
	ending
)

var (
	errUnknown = errors.New("unknown method")
	errEarly   = errors.New("the first message must be initialize")
	errOrder   = errors.New("only exit may follow shutdown, and initialize comes once")
)

// admit checks the order of messages.
func (s *Server) admit(method string) error {
	switch {
	case s.state == starting && method != "initialize":
		return errEarly
	case s.state == ending, s.state == running && method == "initialize":
		return errOrder
	}
	return nil
}

// paramsError is that the parameters of a message are wrong.
type paramsError struct{ error }

func (s *Server) answer(ctx context.Context, m message) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			result, err = nil, fmt.Errorf("%s: a defect of pipe: %v", m.Method, v)
		}
	}()
	if err := s.admit(m.Method); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch m.Method {
	case "initialize":
		return with(m, s.initialize)
	case "shutdown":
		s.state = ending
		return nil, nil
	case "textDocument/didOpen":
		return with(m, s.didOpen)
	case "textDocument/didChange":
		return with(m, s.didChange)
	case "textDocument/didClose":
		return with(m, s.didClose)
	case "textDocument/codeAction":
		return with(m, func(p rangeParams) (any, error) { return s.codeAction(ctx, p) })
	case "initialized", "$/setTrace", "textDocument/didSave", "workspace/didChangeConfiguration",
		"workspace/didChangeWatchedFiles":
		return nil, nil
	}
	if f, ok := s.features()[m.Method]; ok {
		return f(ctx, m)
	}
	return nil, errUnknown
}

// with decodes the parameters of a message.
func with[P any](m message, call func(P) (any, error)) (any, error) {
	var p P
	if len(m.Params) > 0 {
		if err := codec.Unmarshal(m.Params, &p); err != nil {
			return nil, paramsError{err}
		}
	}
	return call(p)
}

func (s *Server) initialize(p initializeParams) (any, error) {
	s.state = running
	for _, f := range p.WorkspaceFolders {
		if path, ok := pathOf(f.URI); ok {
			s.w.AddFolder(path)
		}
	}
	if path, ok := pathOf(p.RootURI); ok && len(p.WorkspaceFolders) == 0 {
		s.w.AddFolder(path)
	}
	var names []string
	for name := range s.commands {
		names = append(names, name)
	}
	return initializeResult{capabilities(names), serverInfo{"pipe", s.host.Version}}, nil
}

func (s *Server) didOpen(p didOpenParams) (any, error) {
	path, ok := pathOf(p.TextDocument.URI)
	if !ok {
		return nil, nil
	}
	if s.w.Folders() == 0 {
		s.w.AddFolder(filepath.Dir(path))
	}
	s.set(path, &document{uri: p.TextDocument.URI, version: p.TextDocument.Version, d: text.New(p.TextDocument.Text)})
	return nil, nil
}

// largest is the size of the largest text that is kept.
const largest = 4 << 20

func (s *Server) set(path string, d *document) {
	if len(d.d.Text()) > largest {
		d.d, d.large = text.New(""), true
	}
	s.w.Set(path, d.d.Text())
	s.mu.Lock()
	s.open[path] = d
	s.pending[path] = true
	s.first = path
	for open := range s.open { // a pipeline file decides about its tests
		if suite.IsTestFile(open) && !suite.IsTestFile(path) {
			s.pending[open] = true
		}
	}
	s.mu.Unlock()
	s.wake()
}

func (s *Server) wake() {
	select {
	case s.due <- struct{}{}:
	default:
	}
}

func (s *Server) didChange(p didChangeParams) (any, error) {
	path, _ := pathOf(p.TextDocument.URI)
	s.mu.Lock()
	was := s.open[path]
	s.mu.Unlock()
	if was == nil {
		return nil, nil
	}
	next := *was
	next.version = p.TextDocument.Version
	for _, c := range p.ContentChanges {
		switch {
		case c.Range == nil:
			next.d, next.large = text.New(c.Text), len(c.Text) > largest
		case next.large: // positions in it are not known
		default:
			from, to := next.d.Offset(c.Range.Start), next.d.Offset(c.Range.End)
			next.d = text.New(text.Apply(next.d.Text(), []text.Edit{{From: from, To: to, New: c.Text}}))
		}
	}
	s.set(path, &next)
	return nil, nil
}

func (s *Server) didClose(p closeParams) (any, error) {
	path, _ := pathOf(p.TextDocument.URI)
	s.mu.Lock()
	delete(s.open, path)
	delete(s.pending, path)
	s.mu.Unlock()
	s.w.Close(path)
	return nil, s.s.notify("textDocument/publishDiagnostics", diagnosticsParams{URI: p.TextDocument.URI,
		Diagnostics: []diagnostic{}})
}

// publish sends the diagnostics of files that have changed. While a check runs, further changes
// of a file become one check.
func (s *Server) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.due:
		}
		for {
			path, d := s.nextDue()
			if d == nil {
				break
			}
			params := diagnosticsParams{URI: d.uri, Version: d.version, Diagnostics: s.diagnostics(path, d)}
			if s.s.notify("textDocument/publishDiagnostics", params) != nil {
				return // the editor is gone, which the reader finds, too
			}
		}
	}
}

func (s *Server) nextDue() (string, *document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	paths := []string{s.first}
	for path := range s.pending {
		paths = append(paths, path)
	}
	for _, path := range paths {
		if !s.pending[path] {
			continue
		}
		delete(s.pending, path)
		if d := s.open[path]; d != nil {
			return path, d
		}
	}
	return "", nil
}

func (s *Server) diagnostics(path string, d *document) (out []diagnostic) {
	out = []diagnostic{}
	defer func() { _ = recover() }() // a defect in one check does not end the server
	if d.large {
		return append(out, diagnostic{Severity: 1, Source: "pipe", Code: "file-too-large",
			Message: "the file has more than 4 MiB"})
	}
	for _, p := range s.w.Problems(path) {
		out = append(out, diagnosticOf(d.d, p))
	}
	return out
}

func diagnosticOf(d *text.Document, p config.Problem) diagnostic {
	one := diagnostic{Severity: 1, Code: p.Code, Source: "pipe", Message: p.Message}
	if p.Warning {
		one.Severity = 2
	}
	if p.Hint != "" {
		one.Message += "\n" + strings.ReplaceAll(p.Hint, "FILE", "the file")
	}
	if p.Line > 0 {
		one.Range = d.Span(d.OffsetOf(p.Line, p.Col), d.OffsetOf(p.Line, p.Col+max(p.Width, 1)))
	}
	return one
}

func (s *Server) codeAction(ctx context.Context, p rangeParams) (any, error) {
	path, _ := pathOf(p.TextDocument.URI)
	d := s.w.Document(path)
	out := []codeAction{}
	for _, f := range s.w.Fixes(ctx, path, p.Range.Start.Line, p.Range.End.Line) {
		out = append(out, codeAction{Title: f.Fix.Title, Kind: "quickfix", Diagnostics: []diagnostic{diagnosticOf(d,
			f.Problem)}, IsPreferred: f.Fix.Certain, Edit: editOf(p.TextDocument.URI, d, f.Fix.Bytes())})
	}
	return out, nil
}

func editOf(uri string, d *text.Document, edits []text.Edit) *workspaceEdit {
	changes := []textEdit{}
	for _, e := range edits {
		changes = append(changes, textEdit{d.Span(e.From, e.To), e.New})
	}
	return &workspaceEdit{map[string][]textEdit{uri: changes}}
}
