package lsp

import (
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

// The parts of the protocol that the server uses, spelt as the protocol spells them.
type (
	textDocument struct {
		URI     string `json:"uri"`
		Version int    `json:"version"`
		Text    string `json:"text"`
	}
	folder struct {
		URI string `json:"uri"`
	}
	initializeParams struct {
		RootURI          string   `json:"rootUri"`
		WorkspaceFolders []folder `json:"workspaceFolders"`
	}
	serverInfo struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	initializeResult struct {
		Capabilities map[string]any `json:"capabilities"`
		ServerInfo   serverInfo     `json:"serverInfo"`
	}
	didOpenParams struct {
		TextDocument textDocument `json:"textDocument"`
	}
	contentChange struct {
		Range *text.Range `json:"range"`
		Text  string      `json:"text"`
	}
	didChangeParams struct {
		TextDocument   textDocument    `json:"textDocument"`
		ContentChanges []contentChange `json:"contentChanges"`
	}
	closeParams struct {
		TextDocument textDocument `json:"textDocument"`
	}
	placeParams struct {
		TextDocument textDocument  `json:"textDocument"`
		Position     text.Position `json:"position"`
		NewName      string        `json:"newName"`
	}
	rangeParams struct {
		TextDocument textDocument `json:"textDocument"`
		Range        text.Range   `json:"range"`
	}
	commandParams struct {
		Command   string   `json:"command"`
		Arguments []string `json:"arguments"`
	}
	diagnostic struct {
		Range    text.Range `json:"range"`
		Severity int        `json:"severity"`
		Code     string     `json:"code,omitempty"`
		Source   string     `json:"source"`
		Message  string     `json:"message"`
	}
	diagnosticsParams struct {
		URI         string       `json:"uri"`
		Version     int          `json:"version,omitzero"`
		Diagnostics []diagnostic `json:"diagnostics"`
	}
	textEdit struct {
		Range   text.Range `json:"range"`
		NewText string     `json:"newText"`
	}
	workspaceEdit struct {
		Changes map[string][]textEdit `json:"changes"`
	}
	codeAction struct {
		Title       string         `json:"title"`
		Kind        string         `json:"kind"`
		Diagnostics []diagnostic   `json:"diagnostics"`
		IsPreferred bool           `json:"isPreferred"`
		Edit        *workspaceEdit `json:"edit"`
	}
	markup struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	}
	completionItem struct {
		Label         string        `json:"label"`
		LabelDetails  *labelDetails `json:"labelDetails,omitempty"`
		Kind          int           `json:"kind"`
		Detail        string        `json:"detail,omitempty"`
		Documentation *markup       `json:"documentation,omitempty"`
		SortText      string        `json:"sortText,omitempty"`
		TextEdit      *textEdit     `json:"textEdit,omitempty"`
	}
	labelDetails struct {
		Description string `json:"description"` // editors show it for each item, Detail only for the chosen one
	}
	hover struct {
		Contents markup     `json:"contents"`
		Range    text.Range `json:"range"`
	}
	location struct {
		URI   string     `json:"uri"`
		Range text.Range `json:"range"`
	}
	symbol struct {
		Name           string     `json:"name"`
		Detail         string     `json:"detail,omitempty"`
		Kind           int        `json:"kind"`
		Range          text.Range `json:"range"`
		SelectionRange text.Range `json:"selectionRange"`
		Children       []symbol   `json:"children,omitempty"`
	}
	lensCommand struct {
		Title     string   `json:"title"`
		Command   string   `json:"command"`
		Arguments []string `json:"arguments"`
	}
	codeLens struct {
		Range   text.Range  `json:"range"`
		Command lensCommand `json:"command"`
	}
)

// capabilities returns what the server can do.
func capabilities(commands []string) map[string]any {
	return map[string]any{
		"positionEncoding":   "utf-16",
		"textDocumentSync":   map[string]any{"openClose": true, "change": 2},
		"codeActionProvider": map[string]any{"codeActionKinds": []string{"quickfix"}},
		"completionProvider": map[string]any{"triggerCharacters": []string{".", "\"", "(", ":"}},
		"hoverProvider":      true, "definitionProvider": true, "referencesProvider": true, "renameProvider": true,
		"documentSymbolProvider": true, "documentFormattingProvider": true,
		"codeLensProvider":       map[string]any{},
		"executeCommandProvider": map[string]any{"commands": commands},
	}
}

// pathOf returns the path of a file's address; ok is false for any other address.
func pathOf(uri string) (path string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.Path == "" {
		return "", false
	}
	path = u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	return filepath.Clean(filepath.FromSlash(path)), true
}

// uriOf returns the address of a file.
func uriOf(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
