package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// A value that a table cuts is complete and typed in JSON.
func TestShowJSONWhole(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("long words ", 20))
	path := write(t, "a.yaml",
		fmt.Sprintf("kind: Component\nmetadata: {name: one, title: %q, tags: [java, spring]}\n"+
			"spec: {type: service, lifecycle: production, owner: x}\n", long))
	c := pipe(t, nil, "show", "--json", "--sandbox", "--catalog", path, shipped, "components")
	var got struct {
		Data struct {
			Records []map[string]any `json:"records"`
		} `json:"data"`
	}
	if err := codec.Unmarshal([]byte(c.stdout), &got); err != nil || c.code != 0 || len(got.Data.Records) != 1 {
		t.Fatalf("exit %d, %v\n%s", c.code, err, c.both())
	}
	if title := got.Data.Records[0]["title"]; title != long {
		t.Errorf("the title is %q", title)
	}
	c = pipe(t, nil, "show", "--sandbox", "--catalog", path, shipped, "components")
	if strings.Contains(c.stdout, long) || !strings.Contains(c.stdout, "…") {
		t.Errorf("the table does not cut:\n%s", c.stdout)
	}
}
