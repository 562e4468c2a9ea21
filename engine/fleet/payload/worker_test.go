package payload

import (
	"errors"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
)

// TestWorkerConverter: a worker without the key of a payload panics, and has errors for everything else, also for
// values that are missing.
func TestWorkerConverter(t *testing.T) {
	own, other := keysOf(t, NewKey()), keysOf(t, NewKey())
	c := WorkerConverter(own)
	for _, p := range payloads(t, DataConverter(own)) {
		var text string
		if err := c.FromPayloads(p, &text); err != nil || text != "text" {
			t.Errorf("with the key: %q, %v", text, err)
		}
	}
	for _, p := range payloads(t, DataConverter(other)) {
		for what, read := range map[string]func(to any) error{
			"one":     func(to any) error { return c.FromPayload(p.Payloads[0], to) },
			"several": func(to any) error { return c.FromPayloads(p, to) },
		} {
			if err, is := panicOf(func() { _ = read(new(string)) }).(error); !is || !errors.Is(err, ErrNoKey) {
				t.Errorf("%s without the key: %v", what, err)
			}
		}
	}
	for _, p := range payloads(t, converter.GetDefaultDataConverter()) {
		if err := c.FromPayloads(p, new(string)); !errors.Is(err, ErrPlain) {
			t.Errorf("not encrypted: %v", err)
		}
	}
	for _, p := range []*commonpb.Payloads{nil, {}} {
		if err := c.FromPayloads(p, new(string)); !errors.Is(err, ErrPlain) {
			t.Errorf("without a payload: %v", err)
		}
		if err := c.FromPayloads(p); err != nil {
			t.Errorf("a query has no values: %v", err)
		}
	}
}

func payloads(t *testing.T, c converter.DataConverter) []*commonpb.Payloads {
	t.Helper()
	p, err := c.ToPayloads("text")
	if err != nil {
		t.Fatal(err)
	}
	return []*commonpb.Payloads{p}
}

func panicOf(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}
