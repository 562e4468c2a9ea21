package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// largeVariable names the field of the large entity that the servers hold;
// PIPE_TEST_ENTITIES is then the size of that field.
const largeVariable = "PIPE_TEST_LARGE"

var largeFields = map[string]func(n int) map[string]any{
	"members": largeGroup, "owners": largeOwners, "tags": largeTags, "links": largeLinks,
	"annotations": largeAnnotations, "definition": largeDefinition, "markdown": largeMarkdown,
}

// largeCatalog is the bundled company and one entity with a field of n elements
// or bytes.
func largeCatalog(field string, n int) ([][]byte, error) {
	raw, err := codec.Marshal(largeFields[field](n))
	return append(backstagesandbox.Company(), raw), err
}

// BenchmarkLargeEntity runs the shipped pipeline dry over the bundled company and one entity
// with a field of n elements or bytes. pipe is a separate process, and the benchmark prints
// its CPU and peak memory (invariant 7). A run is killed after a minute; its exit code is
// then -1.
func BenchmarkLargeEntity(b *testing.B) {
	const elements, bytes = "20000 100000 1000000", "1048576 4194304 16777216"
	for _, c := range []struct{ field, sizes string }{
		{"members", elements}, {"owners", elements}, {"tags", elements}, {"links", elements}, {"annotations", elements},
		{"definition", bytes}, {"markdown", bytes},
	} {
		for size := range strings.FieldsSeq(c.sizes) {
			b.Run(c.field+"="+size, func(b *testing.B) {
				n, err := strconv.Atoi(size)
				if err != nil {
					b.Fatal(err)
				}
				s := startServers(b, n, largeVariable+"="+c.field)
				var cpu, peak float64
				code := 0
				b.ResetTimer()
				for range b.N {
					var u usageOf
					u, code = runLimited(b, s.env(), time.Minute, "run", "--dry-run", "--state", "none", "--progress", "none", shipped)
					cpu, peak = cpu+u.cpu, max(peak, u.peak)
				}
				b.ReportMetric(cpu/float64(b.N), "cpu-s")
				b.ReportMetric(peak, "peak-MB")
				b.ReportMetric(float64(code), "exit")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// runLimited runs pipe in a separate process and kills it after the limit; the exit code is
// then -1.
func runLimited(t testing.TB, env []string, limit time.Duration, args ...string) (usageOf, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var out strings.Builder
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), childVariable+"=pipe"), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	state := cmd.ProcessState
	return usageOf{
		cpu:    (state.UserTime() + state.SystemTime()).Seconds(),
		peak:   peakMB(state),
		output: out.String(),
	}, state.ExitCode()
}

func largeEntity(kind string, spec map[string]any, relations []any) map[string]any {
	return map[string]any{
		"apiVersion": "backstage.io/v1alpha1", "kind": kind,
		"metadata":  map[string]any{"name": "large", "namespace": "default", "description": "One large entity."},
		"spec":      spec,
		"relations": relations,
	}
}

func relationsTo(typ, kind string, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = map[string]any{"type": typ, "targetRef": fmt.Sprintf("%s:default/member-%d", kind, i)}
	}
	return out
}

func largeGroup(n int) map[string]any {
	return largeEntity("Group", map[string]any{"type": "team"}, relationsTo("hasMember", "user", n))
}

// largeOwners is private to its owners.
func largeOwners(n int) map[string]any {
	e := largeEntity("Component", map[string]any{"type": "service"}, relationsTo("ownedBy", "user", n))
	e["metadata"].(map[string]any)["annotations"] = map[string]any{"glean.com/visibility": "private"}
	return e
}

func largeTags(n int) map[string]any {
	tags := make([]any, n)
	for i := range tags {
		tags[i] = fmt.Sprint("tag-", i)
	}
	return withMetadata("tags", tags)
}

func largeLinks(n int) map[string]any {
	links := make([]any, n)
	for i := range links {
		links[i] = map[string]any{"url": fmt.Sprint("https://wiki.example.com/", i), "title": fmt.Sprint("Page ", i)}
	}
	return withMetadata("links", links)
}

func largeAnnotations(n int) map[string]any {
	annotations := make(map[string]any, n)
	for i := range n {
		annotations[fmt.Sprint("example.com/", i)] = "value"
	}
	return withMetadata("annotations", annotations)
}

func withMetadata(name string, value any) map[string]any {
	e := largeEntity("Component", map[string]any{"type": "service"}, []any{})
	e["metadata"].(map[string]any)[name] = value
	return e
}

func largeDefinition(n int) map[string]any {
	return largeEntity("API",
		map[string]any{"type": "openapi", "definition": strings.Repeat("paths: {get: \"é\"}\n", n/19)}, []any{})
}

func largeMarkdown(n int) map[string]any {
	return withMetadata("description",
		strings.Repeat("Some *prose* with a [link](https://example.com) and `code`.\n\n", n/61))
}
