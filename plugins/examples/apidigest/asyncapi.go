package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// asyncAPI reads versions 2 (channels with publish and subscribe) and 3
// (operations that name a channel).
func asyncAPI(definition string) (*lines, error) {
	doc, err := parseDocument(definition)
	if err != nil {
		return nil, err
	}
	if doc.text("asyncapi") == "" {
		return nil, errors.New("it names no version of AsyncAPI")
	}
	l := &lines{}
	info := doc.at("info")
	l.title(info.text("title"), info.text("version"), info.text("description"))
	servers := doc.at("servers")
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		s := servers.at(name)
		l.entry("Server "+first(s.text("url"), s.text("host")+s.text("pathname")), s.text("description"))
	}
	l.section("Operations", func() {
		channels := doc.at("channels")
		for _, name := range slices.Sorted(maps.Keys(channels)) {
			for _, action := range []string{"publish", "subscribe"} {
				if op := channels.at(name, action); op != nil {
					asyncOperation(l, action+" "+name, op)
				}
			}
		}
		operations := doc.at("operations")
		for _, name := range slices.Sorted(maps.Keys(operations)) {
			op := operations.at(name)
			channel := lastStep(op.at("channel").text("$ref"))
			address := first(channels.at(channel).text("address"), channel)
			asyncOperation(l, strings.TrimSpace(op.text("action")+" "+address), op)
		}
	})
	l.section("Messages", func() {
		messages := doc.at("components", "messages")
		for _, name := range slices.Sorted(maps.Keys(messages)) {
			m := messages.at(name)
			l.entry(withType(name, jsonType(m.at("payload"))), first(m.text("title"), m.text("summary"), m.text("description")))
		}
	})
	l.section("Types", func() {
		schemas := doc.at("components", "schemas")
		for _, name := range slices.Sorted(maps.Keys(schemas)) {
			jsonSchema(l, name, schemas.at(name))
		}
	})
	return l, nil
}

func asyncOperation(l *lines, name string, op document) {
	l.entry(withType(name, lastStep(op.at("message").text("$ref"))),
		first(op.text("summary"), op.text("title"), op.text("description"), op.text("operationId")))
}

func withType(name, typ string) string {
	if typ == "" {
		return name
	}
	return name + " (" + typ + ")"
}

func jsonSchema(l *lines, name string, s document) {
	var fields []string
	properties := s.at("properties")
	for _, field := range slices.Sorted(maps.Keys(properties)) {
		fields = append(fields, strings.TrimSpace(field+" "+jsonType(properties.at(field))))
	}
	l.add(withText(name+": "+first(strings.Join(fields, ", "), jsonType(s)), s.text("description")))
}

func jsonType(s document) string {
	switch {
	case s.text("$ref") != "":
		return lastStep(s.text("$ref"))
	case s.text("type") == "array":
		return jsonType(s.at("items")) + "[]"
	}
	return s.text("type")
}
