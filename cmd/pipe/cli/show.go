package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/read"
)

func (a *app) showCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "show",
		Usage:     "list the entities of one kind as a table",
		ArgsUsage: "FILE KIND",
		Description: "Shows what the source holds, before transforms and mapping. The table cuts long values; --json " +
			"prints them whole.\n\n" +
			"Exit codes: as for pipe run.",
		Flags: []urfave.Flag{
			&urfave.UintFlag{Name: "limit", Value: 50, Usage: "print the first `N` records that come; 0 prints all"},
			&urfave.BoolFlag{Name: "sandbox", Usage: "read from a server on this machine that is started for it"},
			&urfave.StringFlag{Name: "catalog",
				Usage: "with --sandbox: serve the entities of this `FILE` (JSON, an answer of the catalog's API, NDJSON or YAML)"},
		},
		Action: a.showAction,
	}
}

func (a *app) showAction(c *urfave.Context) error {
	path, err := theFile(c, " components")
	if err != nil {
		return err
	}
	if c.Args().Len() != 2 {
		return usage{"pipe show needs a file and one kind", "write pipe show " + path + " components"}
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	f, err := a.load(ctx, c, path, loading{sinkLenient: true, unpinned: true})
	if err != nil {
		return err
	}
	defer f.Close()
	d := f.Definition
	phase, err := kindNamed(d, c.Args().Get(1))
	if err != nil {
		return err
	}
	source, err := d.OpenSource(f.Settings())
	if err != nil {
		return err
	}
	defer source.Close()
	t := &recordTable{kind: phase.Kinds[0].Name, limit: int(c.Uint("limit"))}
	if err := t.read(ctx, d, source, phase); err != nil {
		if a.stopped.Load() != 0 {
			return fault.ErrStopped
		}
		return err
	}
	if c.Bool("json") {
		return a.printJSON(t.asJSON(), nil)
	}
	display.Fprintln(a.Stdout, print.Grid(t.header, t.cells(), len(t.header), a.colors(c)))
	for _, ref := range slices.Sorted(maps.Keys(t.unread)) {
		display.Fprintf(a.Stdout, "%s was not read: %s\n", ref, t.unread[ref])
	}
	if t.total > len(t.rows) {
		display.Fprintf(a.Stdout, "… %s of %s; --limit 0 prints all\n", display.Number(len(t.rows)), display.Number(t.total))
	} else {
		display.Fprintf(a.Stdout, "%s\n", display.Plural(t.total, "record"))
	}
	return nil
}

// kindNamed finds a kind by its name or its plural, in any case, and returns a phase with
// only this kind.
func kindNamed(d *pipeline.Definition, name string) (component.Phase, error) {
	for _, ph := range d.Model.Phases() {
		for _, k := range ph.Kinds {
			low := strings.ToLower(name)
			if low == strings.ToLower(k.Name) || low == strings.ToLower(k.Name)+"s" ||
				low == strings.TrimSuffix(strings.ToLower(k.Name), "y")+"ies" {
				ph.Kinds = []component.Kind{k}
				return ph, nil
			}
		}
	}
	return component.Phase{},
		usage{fmt.Sprintf("the pipeline reads no kind %q", name), "it reads " + strings.Join(kindNames(d), ", ")}
}

// kindNames are the kinds that a pipeline reads, as a person writes them.
func kindNames(d *pipeline.Definition) []string {
	var out []string
	for _, kind := range d.Kinds() {
		out = append(out, strings.ToLower(kind)+"s")
	}
	return out
}

type recordTable struct {
	kind   string
	limit  int
	header []string
	rows   [][]any // the ref first
	total  int
	unread map[string]string // why the records of some refs could not be read
}

func (t *recordTable) read(ctx context.Context, d *pipeline.Definition, source component.Source,
	phase component.Phase) error {
	columns := []component.Column{{Title: "ref", Expression: "ref"}}
	if tabler, ok := d.Model.(component.Tabler); ok {
		columns = append(columns, tabler.Columns(t.kind)...)
	}
	var programs []*expression.Program
	for _, col := range columns {
		p, err := d.Language.Compile(col.Expression, expression.WantAny)
		if err != nil {
			return fmt.Errorf("column %s: %w", col.Title, err)
		}
		t.header, programs = append(t.header, col.Title), append(programs, p)
	}
	w := component.NewWorker(d.Language, nil)
	var mu sync.Mutex
	var err error
	t.unread, err = read.Phase(ctx, d.Model, source, phase, func(_ context.Context, records []*component.Record) error {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range records {
			t.total++
			if t.limit > 0 && len(t.rows) >= t.limit {
				continue
			}
			t.rows = append(t.rows, row(d, w, r, programs))
		}
		return nil
	})
	slices.SortFunc(t.rows, func(a, b []any) int { return strings.Compare(fmt.Sprint(a[0]), fmt.Sprint(b[0])) })
	return err
}

func row(d *pipeline.Definition, w *component.Worker, r *component.Record, programs []*expression.Program) []any {
	out := make([]any, len(programs))
	if err := d.Model.Decode(r); err != nil {
		out[0] = r.Ref
		if len(out) > 1 {
			out[1] = "(" + err.Error() + ")"
		}
		return out
	}
	w.Begin(r)
	for i, p := range programs {
		v, err := w.Run.Eval(p)
		var bad *expression.RuntimeError
		if errors.As(err, &bad) {
			v = "(" + bad.Message + ")"
		}
		out[i] = v
	}
	return out
}

const cellWidth = 48

func cell(v any) string {
	var s string
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		s = v
	default:
		b, err := codec.Marshal(v)
		if err != nil {
			return ""
		}
		s = string(b)
	}
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > cellWidth {
		s = string(r[:cellWidth-1]) + "…"
	}
	return s
}

// cells are the rows as a table shows them, long values cut.
func (t *recordTable) cells() [][]string {
	out := make([][]string, len(t.rows))
	for i, r := range t.rows {
		for _, v := range r {
			out[i] = append(out[i], cell(v))
		}
	}
	return out
}

// asJSON returns the table with uncut values.
func (t *recordTable) asJSON() map[string]any {
	list := make([]map[string]any, 0, len(t.rows))
	for _, r := range t.rows {
		m := map[string]any{}
		for i, h := range t.header {
			m[h] = r[i]
		}
		list = append(list, m)
	}
	return map[string]any{"kind": t.kind, "total": t.total, "records": list}
}
