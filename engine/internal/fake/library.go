package fake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// Library is a company whose components have attached pages.
type Library struct {
	*Company
	Pages   map[string][]*component.Record // by host
	Results map[string]component.Attached  // by host; AttachedRead when there is none
	mu      sync.Mutex
	Marks   map[string]component.AttachedMark // as received, by host
}

// NewLibrary makes the company of a world a library.
func NewLibrary(w *World) *Library {
	l := &Library{Company: w.Company, Pages: map[string][]*component.Record{},
		Results: map[string]component.Attached{}, Marks: map[string]component.AttachedMark{}}
	l.Order = append(l.Order, component.Phase{Name: "pages", Attached: true, Kinds: []component.Kind{{Name: "page"}}})
	w.P.Model, w.P.Source = l, l
	return l
}

// AddPage adds a page of a component.
func (l *Library) AddPage(name, path, fate string) {
	raw, _ := codec.Marshal(map[string]any{"kind": "page", "fate": fate})
	host := "component:default/" + name
	l.Pages[host] = append(l.Pages[host], &component.Record{
		Entry: component.Entry{Ref: fmt.Sprintf("page:default/%s/%s", name, path), Kind: "page"}, Raw: raw})
}

// HostOf returns the component of a page.
func (l *Library) HostOf(ref string) (string, bool) {
	rest, attached := strings.CutPrefix(ref, "page:")
	if !attached {
		return "", false
	}
	return "component:" + rest[:strings.LastIndexByte(rest, '/')], true
}

// Hosts returns all components with pages or a result.
func (l *Library) Hosts(component.Phase) ([]string, int) {
	hosts := slices.Collect(maps.Keys(l.Pages))
	for host := range l.Results {
		if _, has := l.Pages[host]; !has {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return hosts, 3
}

// ReadHost emits the pages of a component, and returns its result.
func (l *Library) ReadHost(ctx context.Context, _ component.Phase, host string, last component.AttachedMark,
	emit component.Emit) (component.Attached, error) {
	l.mu.Lock()
	l.Marks[host] = last
	result, set := l.Results[host]
	l.mu.Unlock()
	if !set {
		result = component.Attached{State: component.AttachedRead, Mark: "mark"}
	}
	for _, r := range l.Pages[host] {
		copied := *r
		if err := emit(ctx, []*component.Record{&copied}); err != nil {
			return component.Attached{}, err
		}
	}
	return result, nil
}
