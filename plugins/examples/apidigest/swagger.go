package main

import (
	"encoding/json"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
)

// parseSwagger reads version 2, converted to version 3.
func parseSwagger(definition string) (*api, error) {
	doc, err := parseDocument(definition)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var old openapi2.T
	if err := json.Unmarshal(raw, &old); err != nil {
		return nil, err
	}
	converted, err := openapi2conv.ToV3(&old)
	if err != nil {
		return nil, err
	}
	if raw, err = json.Marshal(converted); err != nil { // references as they are written
		return nil, err
	}
	read := &api{}
	return read, json.Unmarshal(raw, read)
}
