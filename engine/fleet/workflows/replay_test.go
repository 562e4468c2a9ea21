package workflows

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

// histories is the folder of recorded histories, with a folder for each version. A released version's
// folder is never changed: workflows that began with it go on with later versions.
const histories = "testdata/histories"

// testKey is the key of the recorded histories.
const testKey = "cGlwZSB0ZXN0IGtleSBvZiByZWNvcmRlZCBoaXN0b3I="

func testKeys(t testing.TB) *payload.Keys {
	t.Helper()
	keys, err := payload.ParseKeys(testKey)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// recorded returns the recorded histories.
func recorded(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(histories, "*", "*.json"))
	if err != nil || len(all) < len(scenarios()) {
		t.Fatalf("%d histories, %v", len(all), err)
	}
	return all
}

// TestReplay: the workflows do what they did in every recorded history. When this fails, the code
// gives Temporal other commands, or in another order: guard the change with workflow.GetVersion, so
// workflows that began before go on as they did.
func TestReplay(t *testing.T) {
	for _, path := range recorded(t) {
		r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
			DataConverter:    payload.DataConverter(testKeys(t)),
			FailureConverter: payload.FailureConverter(testKeys(t)), DisableDeadlockDetection: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		r.RegisterWorkflowWithOptions(Pipeline, workflow.RegisterOptions{Name: TypePipeline})
		r.RegisterWorkflowWithOptions(Start, workflow.RegisterOptions{Name: TypeStart})
		if err := r.ReplayWorkflowHistoryFromJSONFile(nil, path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestScenarios: each scenario is recorded for every version.
func TestScenarios(t *testing.T) {
	versions, err := os.ReadDir(histories)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		for _, s := range scenarios() {
			if s.since > version.Name() && version.Name() != unreleased {
				continue
			}
			if _, err := os.Stat(filepath.Join(histories, version.Name(), s.name+".json")); err != nil {
				t.Errorf("%v: record it with go test ./engine/fleet/workflows -run TestRecord -update, see there", err)
			}
		}
	}
}

// TestHistoriesHold: of the payloads of recorded histories Temporal has ciphertext, and even with the
// key they are IDs, counts, digests and times. Each string in them is of a short list of forms.
func TestHistoriesHold(t *testing.T) {
	codec := payload.NewCodec(testKeys(t))
	for _, path := range recorded(t) {
		history := historyOf(t, path)
		whole, err := proto.Marshal(history)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"larkspur", "mqmy6t3w2zx4", "01A"} {
			if bytes.Contains(whole, []byte(word)) && !strings.Contains(path, "attributes") {
				t.Errorf("%s has %q without the key", path, word)
			}
		}
		n := 0
		eachPayload(history.ProtoReflect(), func(p *commonpb.Payload) {
			if string(p.GetMetadata()["encoding"]) == "json/plain" { // search attributes
				return
			}
			plain, err := codec.Decode([]*commonpb.Payload{p})
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return
			}
			n++
			for _, text := range stringsOf(string(plain[0].GetData())) {
				if !knownString.MatchString(text) {
					t.Errorf("%s has the text %q", path, text)
				}
			}
		})
		if n == 0 {
			t.Errorf("%s has no payload", path)
		}
	}
}

func historyOf(t testing.TB, path string) *historypb.History {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return history
}

// eachPayload visits the payloads in a message.
func eachPayload(m protoreflect.Message, visit func(*commonpb.Payload)) {
	if p, is := m.Interface().(*commonpb.Payload); is {
		visit(p)
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				if f.MapValue().Message() != nil {
					eachPayload(v.Message(), visit)
				}
				return true
			})
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				eachPayload(v.List().Get(i).Message(), visit)
			}
		default:
			eachPayload(v.Message(), visit)
		}
		return true
	})
}

// stringsOf returns the strings in a text of JSON, without its keys.
func stringsOf(text string) []string {
	parts := strings.Split(text, `"`)
	var out []string
	for i := 1; i < len(parts); i += 2 {
		if i+1 < len(parts) && !strings.HasPrefix(parts[i+1], ":") {
			out = append(out, parts[i])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
