package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"reflect"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Page is a page of sections.
type Page struct {
	Title   string
	Kind    string // what the page is about, such as "Run of"
	Status  Status
	Facts   []Fact
	Figures []Figure
	Alerts  []Alert
	// Sections are shown in order.
	Sections []Section
	Footer   string
}

// Tone is the colour of a text. A page never conveys information by colour alone.
type Tone string

const (
	Plain Tone = ""
	Good  Tone = "good"
	Warn  Tone = "warn"
	Bad   Tone = "bad"
)

// Status is the outcome in a few words.
type Status struct {
	Tone Tone
	Text string
}

// Fact is a name with its value.
type Fact struct{ Name, Value string }

// Figure is a number of the summary. Change is its difference from the last run; "" for none.
type Figure struct {
	Name, Value, Change string
	Tone                Tone
}

// Alert is a state that needs a person: a refusal or an error.
type Alert struct {
	Tone    Tone
	Title   string
	Reasons []string
	Table   []string // details, one line each
	Remedy  string
	Advice  string // what Command does
	Command Command
}

// Command is a command line to copy. It is never shortened.
type Command string

// Section is a part of a page under a heading.
type Section struct {
	ID, Title, Intro string
	Chart            *Chart
	Tables           []Table
	Lines            []string
}

// Table is a table. More counts the rows that are not shown.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]Cell // one cell per column
	More    string
	Stacked bool // a narrow screen shows each row as a block
}

// Column is the heading of a column; numbers are aligned to the right.
type Column struct {
	Name   string
	Number bool
}

// Cell is a cell of a table: a text, and a list below it.
type Cell struct {
	Text   string
	Tone   Tone
	Code   bool   // an identifier
	Small  string // explains the text
	Detail []Detail
	Refs   Refs
}

// Refs are identifiers below the text of a cell. Folded ones are shown on demand.
type Refs struct {
	Shown, Folded []string
	Fold          string // label of Folded
	More          string // about those in neither list
}

// Detail is a line below the text of a cell. Sign is "-" for the old value, "+" for the new
// one.
type Detail struct{ Sign, Text string }

//go:embed templates
var files embed.FS

var (
	style = mustRead("templates/style.css")
	// policy lets a browser load nothing, and apply only the style of the page.
	policy    = stylePolicy(style)
	templates = template.Must(template.New("").ParseFS(files, "templates/*.html"))
)

func mustRead(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func stylePolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-%s'",
		base64.StdEncoding.EncodeToString(sum[:]))
}

// Write renders a page. It removes secrets from all texts; a nil redactor has none.
func Write(w io.Writer, p *Page, secrets *redact.Redactor) error {
	out := display.NewWriter(w)
	err := templates.ExecuteTemplate(out, "page.html", struct {
		Page
		Style  template.CSS
		Policy string
	}{Clean(*p, secrets), template.CSS(style), policy})
	if err != nil {
		return err
	}
	return out.Flush()
}

// Fragment renders the alerts, figures and sections of a page for a page of a server, which has a
// frame of its own. Secrets and texts are treated as by Write.
func Fragment(p *Page, secrets *redact.Redactor) (template.HTML, error) {
	var b bytes.Buffer
	out := display.NewWriter(&b)
	if err := templates.ExecuteTemplate(out, "content", Clean(*p, secrets)); err != nil {
		return "", err
	}
	if err := out.Flush(); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}

// Style returns the style sheet of the pages.
func Style() string { return style }

// Clean returns a copy of a value without secrets, and with escaped texts of at most
// display.MaxValue characters. The value is a struct of exported fields; maps are not copied.
func Clean[T any](v T, secrets *redact.Redactor) T {
	if secrets == nil {
		secrets = &redact.Redactor{}
	}
	clean := reflect.New(reflect.TypeFor[T]()).Elem()
	copyClean(clean, reflect.ValueOf(v), secrets)
	return clean.Interface().(T)
}

// WriteFile replaces a file with a page. Only its owner can read it.
func WriteFile(path string, p *Page, secrets *redact.Redactor) error {
	return atomicfile.Replace(path, atomicfile.Options{}, func(w io.Writer) error { return Write(w, p, secrets) })
}

// copyClean copies a part of a page with each text redacted and escaped.
func copyClean(to, from reflect.Value, secrets *redact.Redactor) {
	switch from.Kind() {
	case reflect.String:
		most := display.MaxValue
		if from.Type() == reflect.TypeFor[Command]() {
			most = 0
		}
		to.SetString(display.Short(secrets.Clean(from.String()), most))
	case reflect.Struct:
		for i := range from.NumField() {
			copyClean(to.Field(i), from.Field(i), secrets)
		}
	case reflect.Slice:
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyClean(to.Index(i), from.Index(i), secrets)
		}
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			copyClean(to.Elem(), from.Elem(), secrets)
		}
	default:
		to.Set(from)
	}
}
