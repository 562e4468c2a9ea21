package main

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// maxTokens bounds the work on one GraphQL schema.
const maxTokens = 1_000_000

func graphQL(definition string) (*lines, error) {
	doc, err := parser.ParseSchemaWithLimit(&ast.Source{Name: "schema", Input: definition}, maxTokens)
	if err != nil {
		return nil, err
	}
	l := &lines{}
	roots := map[string]string{"Query": "query", "Mutation": "mutation", "Subscription": "subscription"}
	for _, s := range append(doc.Schema, doc.SchemaExtension...) {
		l.add(oneLine(s.Description))
		for _, op := range s.OperationTypes {
			roots[op.Type] = string(op.Operation)
		}
	}
	definitions := append(doc.Definitions, doc.Extensions...)
	l.section("Operations", func() {
		for _, d := range definitions {
			if operation := roots[d.Name]; operation != "" && d.Kind == ast.Object {
				for _, f := range d.Fields {
					l.entry(operation+" "+graphQLField(f), f.Description)
				}
			}
		}
	})
	l.section("Types", func() {
		for _, d := range definitions {
			if roots[d.Name] == "" || d.Kind != ast.Object {
				l.add(withText(graphQLType(d), d.Description))
			}
		}
	})
	return l, nil
}

func graphQLField(f *ast.FieldDefinition) string {
	var arguments []string
	for _, a := range f.Arguments {
		arguments = append(arguments, a.Name+" "+a.Type.String())
	}
	name := f.Name
	if len(arguments) > 0 {
		name += "(" + strings.Join(arguments, ", ") + ")"
	}
	return name + " " + f.Type.String()
}

func graphQLType(d *ast.Definition) string {
	var parts []string
	for _, f := range d.Fields {
		parts = append(parts, graphQLField(f))
	}
	for _, v := range d.EnumValues {
		parts = append(parts, v.Name)
	}
	name := fmt.Sprintf("%s %s", strings.ToLower(strings.ReplaceAll(string(d.Kind), "_", " ")), d.Name)
	switch {
	case d.Kind == ast.Union:
		return name + ": " + strings.Join(d.Types, " | ")
	case len(parts) == 0:
		return name
	}
	return name + ": " + strings.Join(parts, ", ")
}
