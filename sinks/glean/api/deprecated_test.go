package api

import "testing"

func TestRemoval(t *testing.T) {
	for value, want := range map[string]string{
		"name=location;kind=property;context=Employee;removal=2026-10-15;docs=https://x": "property location is " +
			"deprecated (Employee), it is removed on 2026-10-15: https://x",
		"name=b;kind=endpoint":                    "endpoint b is deprecated",
		"kind = endpoint; name = \"b\"":           "endpoint b is deprecated",
		"name=a;kind=endpoint;removal=2027-01-15": "endpoint a is deprecated, it is removed on 2027-01-15",
		"name=a":             "something named a is deprecated",
		"use something else": "pipe uses a deprecated part of Glean's API: use something else",
		"":                   "pipe uses a deprecated part of Glean's API: ",
		"=;;name":            "pipe uses a deprecated part of Glean's API: =;;name",
	} {
		if got := removal(value); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}
