package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
)

// TestShippedTests: the tests of the shipped pipeline pass and leave no rule and
// no line of the mapping untested. The environment has no part in them.
func TestShippedTests(t *testing.T) {
	c := pipe(t, map[string]string{"DEFAULT_PERMISSIONS": "none", "SYNC_USERS_ENABLED": "false"}, "test", shipped)
	if c.code != 0 || !strings.Contains(c.stdout, "touch 3 of 3 permission rules and 48 of 48 lines of the mapping") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestShippedTestsDetect: every change that widens access or removes a field makes one of
// the shipped tests fail.
func TestShippedTestsDetect(t *testing.T) {
	tests := fileText(t, strings.TrimSuffix(shipped, ".yaml")+".test.yaml")
	for _, change := range [][2]string{
		{`in ["owner", "private"]`, `in ["owner"]`},
		{"      allow: none\n", "      allow: all-users\n"},
		{"      allow: owner\n", "      allow: datasource-users\n"},
		{`: related("ownedBy")'`, `: related("partOf")'`},
		{"${DEFAULT_PERMISSIONS:-datasource-users}", "all-users"},
		{`metadata.annotations["backstage.io/orphan"] != "true"`, "true"},
		{"email: lower(spec.profile.email)", "email: metadata.name"},
		{`members: related("hasMember")`, `members: related("parentOf")`},
		{"        title: name\n", "        title: metadata.name\n"},
		{"          lifecycle: titlecase(spec.lifecycle)\n", ""},
	} {
		path := edited(t, change[0], change[1])
		beside := strings.TrimSuffix(path, ".yaml") + ".test.yaml"
		if err := os.WriteFile(beside, []byte(tests), 0o600); err != nil {
			t.Fatal(err)
		}
		if c := pipe(t, nil, "test", path); c.code != int(job.Failed) || !strings.Contains(c.stdout, "FAIL") {
			t.Errorf("%s → %s: exit %d\n%s", change[0], change[1], c.code, c.both())
		}
	}
}

// TestCheckTests: check accepts test files, too, so it can check all files of a folder; test
// runs a file that is named twice once.
func TestCheckTests(t *testing.T) {
	beside := strings.TrimSuffix(shipped, ".yaml") + ".test.yaml"
	if c := pipe(t, nil, "check", shipped, beside); c.code != 0 || !strings.Contains(c.stdout, beside+": ok") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	once := strings.Count(pipe(t, nil, "test", shipped).stdout, "  ok  ")
	if c := pipe(t, nil, "test", shipped, beside); c.code != 0 || once == 0 || strings.Count(c.stdout, "  ok  ") != once {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	c := pipe(t, nil, "check", suiteOf(t, "tests: [{name: a, expect: {a: {documnts: {}}}}]\n"))
	if c.code != int(job.Wrong) || !strings.Contains(c.stdout, "did you mean documents?") ||
		!strings.Contains(c.stdout, "1 problem") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	c = pipe(t, nil, "check", "--json",
		write(t, "x.test.yaml", "pipeline: nowhere.yaml\ntests: [{name: a, expect: {a: {documents: {}}}}]\n"))
	if c.code != int(job.Wrong) || !strings.Contains(c.stdout, "the pipeline that it tests has problems") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// suiteOf writes a test file for the shipped pipeline.
func suiteOf(t *testing.T, text string) string {
	t.Helper()
	path, err := filepath.Abs(shipped)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "x.test.yaml", "pipeline: "+path+"\n"+text)
}

const oneComponent = `
records:
  - {kind: Group, metadata: {name: team}, spec: {type: team, children: []}}
  - {kind: User, metadata: {name: ann}, spec: {profile: {email: ann@example.com}, memberOf: [team]}}
fixtures:
  one: {kind: Component, metadata: {name: one, tags: [a, b]}, spec: {type: service, owner: team}}
tests:
`

// TestTestFails: each kind of expectation can fail, and reports where and why.
func TestTestFails(t *testing.T) {
	for expect, want := range map[string]string{
		"documents: {title: two}":          "documents.title\n          - two\n          + one\n",
		"documents: {tags: [a]}":           "+ - b\n",
		"documents: {tags: {contains: c}}": `documents.tags does not contain "c"; it is`,
		"documents: {title: {lacks: o}}":   `documents.title contains "o"; it is`,
		"documents: {title: null}":         "documents.title\n          - (nothing)\n          + one\n",
		"documents: {customProperties: {type: website}}": "documents.customProperties.type\n          - website\n" +
			"          + service\n",
		"documents: {customProperties: {system: x}}": "+ (nothing)",
		"documents: absent":                          "documents hold an item of it",
		"users: {}":                                  "users hold no item of it, it is to be delivered",
		"withheld: true":                             "it is not withheld, it is to be delivered",
		"filtered: not orphaned":                     "- filtered (not orphaned)\n          + to be delivered",
		"rejected: title":                            "+ to be delivered",
		"merged: true":                               "it is not merged",
		"rule: unknown visibility": "another rule decided\n          - unknown visibility\n" +
			"          + default\n",
		"audience: nobody": "+ datasource-users",
		"can_see: [bob@example.com]": "bob@example.com cannot see it: no user with the e-mail bob@example.com " +
			"was read",
		"cannot_see: [ann@example.com]": "ann@example.com can see it: the default allows every user of " +
			"the datasource",
		"cannot_see: [annn@example.com]": "no record is of annn@example.com; similar: ann@example.com; write " +
			"stranger annn@example.com for",
		"cannot_see: [user:default/an]":          "no record is of user:default/an; similar: user:default/ann",
		"cannot_see: [stranger ann@example.com]": "ann@example.com is one of the records, not a stranger",
		"members: [ann@example.com]":             "it is not a group of the sink",
	} {
		path := suiteOf(t,
			oneComponent+"  - name: it\n    records: [fixture: one]\n    expect:\n      one:\n        "+expect+"\n")
		c := pipe(t, nil, "test", path)
		if c.code != int(job.Failed) || !strings.Contains(c.stdout, want) || !strings.Contains(c.stdout, path+":13:") ||
			!strings.Contains(c.stderr, "1 of 1 test failed") {
			t.Errorf("%s: exit %d\n%s", expect, c.code, c.both())
		}
	}
	c := pipe(t, nil, "test",
		suiteOf(t,
			oneComponent+"  - name: it\n    expect:\n      tem: {members: []}\n      team: {members: [bob@example.com]}\n"))
	if c.code != int(job.Failed) ||
		!strings.Contains(c.stdout, "tem is not among the records that were read; similar: group:default/team") ||
		!strings.Contains(c.stdout, "- bob@example.com\n          + ann@example.com") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestTestPasses: each kind of expectation can hold.
func TestTestPasses(t *testing.T) {
	path := suiteOf(t, oneComponent+`  - name: it
    records:
      - fixture: one
        with: {metadata: {tags: null, annotations: {glean.com/visibility: private}}, spec: {type: 7}}
    expect:
      component:default/one:
        documents: {title: one, tags: null, customProperties: {type: 7}, body: {contains: [one, team], lacks: two}}
        rule: private to its owners
        audience: listed
        can_see: [ann@example.com, user:default/ann]
        cannot_see: [stranger bob@example.com]
      team: {members: [ann@example.com]}
`)
	if c := pipe(t, nil, "test", "--allow-untested", path); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	c := pipe(t, nil, "test", "--coverage", path)
	if c.code != int(job.Failed) || !strings.Contains(c.stderr, `no test touches the rule "unknown visibility", the default`) ||
		!strings.Contains(c.stdout, "untested: documents.owner") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "test", "--run", "^it$", path); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	c = pipe(t, nil, "test", "--json", path, shipped)
	var got struct {
		OK   bool     `json:"ok"`
		Data []tested `json:"data"`
	}
	if err := codec.Unmarshal([]byte(c.stdout), &got); err != nil || c.code != 0 || len(got.Data) != 2 ||
		!got.Data[0].Tests[0].OK {
		t.Errorf("exit %d, %v\n%s", c.code, err, c.both())
	}
}

// TestTestGolden: everything that would be sent, in a file that --update writes.
func TestTestGolden(t *testing.T) {
	path := suiteOf(t, oneComponent+"  - name: it\n    records: [fixture: one]\n    golden: golden/one.json\n")
	golden := filepath.Join(filepath.Dir(path), "golden", "one.json")
	if c := pipe(t, nil, "test", path); c.code != int(job.Failed) ||
		!strings.Contains(c.stdout, path+":11:13: "+golden+" does not exist; --update writes it") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, nil, "test", "--update", "--allow-untested", path); c.code != 0 ||
		!strings.Contains(c.stdout, "wrote "+golden) {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	text := fileText(t, golden)
	if !strings.Contains(text, `"allowAllDatasourceUsersAccess": true`) || !strings.Contains(text, `"memberships"`) {
		t.Error(text)
	}
	if c := pipe(t, nil, "test", "--allow-untested", path); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if err := os.WriteFile(golden, []byte(strings.Replace(text, `"title": "one"`, `"title": "two"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := pipe(t, nil, "test", "--allow-untested", path)
	if c.code != int(job.Failed) || !strings.Contains(c.stdout, `-       "title": "two"`) || !strings.Contains(c.stdout, `+       "title": "one"`) ||
		strings.Contains(c.stdout, `"memberships"`) {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestTestWrong: faults of a test file are reported at their positions with a correction,
// and no test runs.
func TestTestWrong(t *testing.T) {
	const expectsIt = "tests: [{name: a, expect: {a: {documents: {}}}}]\n"
	for text, want := range map[string]string{
		"tests: []\n":                                                           `"tests" is required and empty`,
		"test: []\n":                                                            "did you mean tests?",
		"tests:\n  - name: a\n    expct: {}\n":                                  "did you mean expect?",
		"tests:\n  - name: a\n":                                                 "the test expects nothing",
		"tests:\n  - name: a\n  - name: a\n":                                    "another test has this name, on line 3",
		"tests:\n  - expect: {a: {documents: {}}}\n":                            `"name" is required and missing`,
		"records: [fixture: x]\n" + expectsIt:                                   `there is no fixture "x"`,
		"records: [fixtur: x]\n" + expectsIt:                                    "did you mean fixture?",
		"records: [file: x.json]\n" + expectsIt:                                 "read the records: ",
		"tests: [{name: a, expect: {a: {documnts: {}}}}]\n":                     "did you mean documents?",
		"tests: [{name: a, expect: {a: {documents: {titel: x}}}}]\n":            "did you mean title?",
		"tests: [{name: a, expect: {a: {documents: {title: {contain: x}}}}}]\n": "did you mean contains?",
		"tests: [{name: a, expect: {a: {can_se: [x]}}}]\n":                      "did you mean can_see?",
		"tests: [{name: a, expect: {a: {can_see: x}}}]\n":                       "can_see is a list of people",
		"tests: [{name: a, expect: {a: {rule: unknown visibilty}}}]\n":          "did you mean unknown visibility?",
		"tests: [{name: a, expect: {a: {audience: all}}}]\n":                    `"all" is not an audience`,
		"tests: [{name: a, expect: {a: {}}}]\n":                                 "the record has no expectation",
		"tests: [{name: a, expect: {a: x}}]\n": "the expectation of a record " +
			"must be a mapping",
		"variables: {DEFAULT_PERMISSIONS: everyone}\n" + expectsIt: "backstage.yaml:",
	} {
		c := pipe(t, nil, "test", suiteOf(t, text))
		if c.code != int(job.Wrong) || !strings.Contains(c.stderr, want) || !strings.Contains(c.stderr, "no test was run") ||
			strings.Contains(c.stdout, "ok") {
			t.Errorf("%s: exit %d\n%s", text, c.code, c.both())
		}
	}
	for want, args := range map[string][]string{
		"pipe test needs a pipeline file": {"test"},
		"does not exist":                  {"test", "nowhere.yaml"},
		"has no tests":                    {"test", edited(t)},
		"not a regular expression":        {"test", "--run", "(", shipped},
		"no test was run":                 {"test", "--run", "zzz", shipped},
		"the file does not exist":         {"test", "nowhere.test.yaml"},
	} {
		if c := pipe(t, nil, args...); c.code != int(job.Wrong) || !strings.Contains(c.stderr, want) {
			t.Errorf("%v: exit %d\n%s", args, c.code, c.both())
		}
	}
}
