package main

import (
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/types/descriptorpb"
)

// protobuf digests one file; it lists imports and does not read them.
func protobuf(definition string) (*lines, error) {
	handler := reporter.NewHandler(nil)
	file, err := parser.Parse("definition.proto", strings.NewReader(definition), handler)
	if err != nil {
		return nil, err
	}
	result, err := parser.ResultFromAST(file, true, handler)
	if err != nil {
		return nil, err
	}
	l, d := &lines{}, result.FileDescriptorProto()
	if d.GetPackage() != "" {
		l.add("Package " + d.GetPackage())
	}
	comment := func(n ast.Node) string { return commentOf(file, n) }
	l.section("Operations", func() {
		for _, s := range d.GetService() {
			l.entry("service "+s.GetName(), comment(result.ServiceNode(s)))
			for _, m := range s.GetMethod() {
				l.entry(s.GetName()+"."+m.GetName()+"("+streamed(m.GetClientStreaming(), m.GetInputType())+") "+
					streamed(m.GetServerStreaming(), m.GetOutputType()), comment(result.MethodNode(m)))
			}
		}
	})
	l.section("Types", func() {
		for _, m := range d.GetMessageType() {
			message(l, m.GetName(), m, func(m *descriptorpb.DescriptorProto) string { return comment(result.MessageNode(m)) })
		}
		for _, e := range d.GetEnumType() {
			l.add(withText(enum(e.GetName(), e), comment(result.EnumNode(e))))
		}
	})
	return l, nil
}

func streamed(stream bool, typ string) string {
	if typ = strings.TrimPrefix(typ, "."); stream {
		return "stream " + typ
	}
	return typ
}

// message adds a message and those within it; a map's entry type is its field's.
func message(l *lines, name string, m *descriptorpb.DescriptorProto,
	comment func(*descriptorpb.DescriptorProto) string) {
	entries := map[string]string{}
	for _, n := range m.GetNestedType() {
		if n.GetOptions().GetMapEntry() && len(n.GetField()) == 2 {
			entries[n.GetName()] = "map<" + fieldType(n.GetField()[0]) + ", " + fieldType(n.GetField()[1]) + ">"
		}
	}
	var fields []string
	for _, f := range m.GetField() {
		typ := fieldType(f)
		if entry, ok := entries[lastName(typ)]; ok {
			typ = entry
		} else if f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REPEATED {
			typ += "[]"
		}
		fields = append(fields, f.GetName()+" "+typ)
	}
	l.add(withText(strings.TrimSuffix("message "+name+": "+strings.Join(fields, ", "), ": "), comment(m)))
	for _, n := range m.GetNestedType() {
		if !n.GetOptions().GetMapEntry() {
			message(l, name+"."+n.GetName(), n, comment)
		}
	}
	for _, e := range m.GetEnumType() {
		l.add(enum(name+"."+e.GetName(), e))
	}
}

func lastName(typ string) string { return typ[strings.LastIndexByte(typ, '.')+1:] }

func fieldType(f *descriptorpb.FieldDescriptorProto) string {
	if f.GetTypeName() != "" {
		return strings.TrimPrefix(f.GetTypeName(), ".")
	}
	return strings.ToLower(strings.TrimPrefix(f.GetType().String(), "TYPE_"))
}

func enum(name string, e *descriptorpb.EnumDescriptorProto) string {
	var values []string
	for _, v := range e.GetValue() {
		values = append(values, v.GetName())
	}
	return "enum " + name + ": " + strings.Join(values, ", ")
}

// commentOf is the comment before a node, without its marks.
func commentOf(file *ast.FileNode, n ast.Node) string {
	var text []string
	comments := file.NodeInfo(n).LeadingComments()
	for i := range comments.Len() {
		c := comments.Index(i).RawText()
		c = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(c, "/*"), "//"), "*/")
		for line := range strings.SplitSeq(c, "\n") {
			text = append(text, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "*")))
		}
	}
	return strings.TrimSpace(strings.Join(text, "\n"))
}
