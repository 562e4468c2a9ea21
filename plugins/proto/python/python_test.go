package python

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	goproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/pipe-engine/pipe/plugins/proto"
)

// TestGenerated: the files are generated from the transform.proto that the Go files are
// generated from.
func TestGenerated(t *testing.T) {
	text, err := files.ReadFile("transform_pb2.py")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`AddSerializedFile\(b'(.*)'\)`).FindSubmatch(text)
	if literal == nil {
		t.Fatal("transform_pb2.py has no descriptor")
	}
	// Python's literal is Go's but for the quotation marks.
	raw, err := strconv.Unquote(`"` + strings.ReplaceAll(string(literal[1]), `\'`, `'`) + `"`)
	if err != nil {
		t.Fatal(err)
	}
	got, want := &descriptorpb.FileDescriptorProto{}, protodesc.ToFileDescriptorProto(proto.File_transform_proto)
	if err := goproto.Unmarshal([]byte(raw), got); err != nil {
		t.Fatal(err)
	}
	for _, m := range want.MessageType {
		for _, f := range m.Field {
			f.JsonName = nil // follows from the name; protoc leaves it out for Python
		}
	}
	if !goproto.Equal(got, want) {
		t.Error(`they differ; run "go generate ./plugins/proto/python"`)
	}
	service, err := files.ReadFile("transform_pb2_grpc.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range want.Service[0].Method {
		if path := "'/pipe.plugin.v1.Transform/" + m.GetName() + "'"; !strings.Contains(string(service), path) {
			t.Errorf("transform_pb2_grpc.py lacks %s", path)
		}
	}
}
