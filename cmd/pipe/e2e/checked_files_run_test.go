package e2e

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// edits are common changes of the shipped pipeline, right and wrong: old and new text, in
// pairs.
var edits = map[string][]string{
	"as it is":     nil,
	"a field less": {"        summary: description\n", ""},
	"no title":     {"        title: name\n", ""},
	"no viewURL":   {"        viewURL: page\n", ""},
	"no id": {"        id: ref\n        objectType: lower(kind)\n",
		"        objectType: lower(kind)\n"},
	"a constant id": {"        id: ref\n        objectType: lower(kind)\n",
		"        id: '\"all the same\"'\n        objectType: lower(kind)\n"},
	"a hashed id": {"        id: ref\n        objectType: lower(kind)\n",
		"        id: sha256(ref)\n        objectType: lower(kind)\n"},
	"a type that is not declared":    {"objectType: lower(kind)", "objectType: kind + \"x\""},
	"a type by a constant, misspelt": {`objectType: '"team"'`, `objectType: '"tema"'`},
	"a type by a name":               {`objectType: '"team"'`, "objectType: team"},
	"a type with a space":            {`objectType: '"team"'`, `objectType: '"a team"'`},
	"a type that may be nil":         {"objectType: lower(kind)", "objectType: lower(spec.type)"},
	"an unknown field":               {"        summary: description\n", "        sumary: description\n"},
	"an unknown property": {"          lifecycle: titlecase(spec.lifecycle)\n",
		"          phase: titlecase(spec.lifecycle)\n"},
	"a property of another type": {"          lifecycle: titlecase(spec.lifecycle)\n",
		"          lifecycle: len(metadata.tags)\n"},
	"a property that is a list": {"          type: spec.type\n          lifecycle",
		"          type: metadata.tags\n          lifecycle"},
	"a property that is an object": {"          type: spec.type\n          lifecycle",
		"          type: metadata\n          lifecycle"},
	"a title that is a list":   {"        title: name\n", "        title: metadata.tags\n"},
	"a title that is a number": {"        title: name\n", "        title: len(name)\n"},
	"tags that are a text":     {"tags: metadata.tags", "tags: name"},
	"tags that are an object":  {"tags: metadata.tags", "tags: metadata.labels"},
	"literal tags":             {"tags: metadata.tags", "tags: [a, b]"},
	"a time from text": {"        summary: description\n",
		"        updatedAt: epoch(\"2026-01-02T03:04:05Z\")\n"},
	"a time that is text":        {"        summary: description\n", "        updatedAt: metadata.etag\n"},
	"a body with a bodyType":     {"        summary: description\n", "        bodyType: '\"text/markdown\"'\n"},
	"a body type Glean refuses":  {"        summary: description\n", "        bodyType: '\"application/json\"'\n"},
	"a status":                   {"        summary: description\n", "        status: spec.lifecycle\n"},
	"an owner that is text":      {`owner: first(related("ownedBy", "user"))`, "owner: name"},
	"an owner that is a list":    {`owner: first(related("ownedBy", "user"))`, `owner: related("ownedBy")`},
	"a container without a type": {"        containerObjectType: kindOf(parent)\n", ""},
	"an unknown function":        {"summary: description", "summary: shorten(description)"},
	"an unknown name":            {"summary: description", "summary: descripton"},
	"an unknown path":            {"summary: description", "summary: metadata.summary"},
	"a define that is not used": {"  description: plain(metadata.description)\n",
		"  description: plain(metadata.description)\n  other: upper(kind)\n"},
	"a define of itself": {"  description: plain(metadata.description)\n",
		"  description: plain(description)\n"},
	"a define in a circle": {"  description: plain(metadata.description)\n",
		"  description: plain(b)\n  b: trim(description)\n"},
	"a define less": {"  owner: first(related(\"ownedBy\"))\n", ""},
	"a define that fails": {"  name: coalesce(metadata.title, spec.profile.displayName, metadata.name)",
		"  name: metadata.name / 2"},
	"no users":                 {"${SYNC_USERS_ENABLED:-true}", "false"},
	"no groups":                {"${SYNC_GROUPS_ENABLED:-true}", "false"},
	"neither users nor groups": {"${SYNC_USERS_ENABLED:-true}", "false", "${SYNC_GROUPS_ENABLED:-true}", "false"},
	"no components":            {"${SYNC_COMPONENTS_ENABLED:-true}", "false"},
	"a custom kind": {"      Template: ${SYNC_TEMPLATES_ENABLED:-true}\n",
		"      Template: true\n      Product: true\n"},
	"a filter":                        {"    kinds:  ", "    filters:\n      - metadata.namespace=default\n    kinds:  "},
	"a filter that nothing satisfies": {"    kinds:  ", "    filters:\n      - metadata.namespace=nowhere\n    kinds:  "},
	"a condition that is no boolean":  {`keep: metadata.annotations["backstage.io/orphan"] != "true"`, "keep: metadata.name"},
	"a filter that keeps nothing":     {`keep: metadata.annotations["backstage.io/orphan"] != "true"`, `keep: kind == "Nothing"`},
	"a filter on a number":            {`keep: metadata.annotations["backstage.io/orphan"] != "true"`, "keep: spec.replicas > 3"},
	"a set": {"transforms:",
		"transforms:\n  - name: shout\n    set:\n      metadata.title: upper(metadata.name)\n#"},
	"a set of everything": {"transforms:", "transforms:\n  - name: shout\n    set:\n      metadata: nil\n#"},
	"a set of the name": {"transforms:",
		"transforms:\n  - name: shout\n    set:\n      metadata.name: '5'\n#"},
	"a rule for a namespace": {"  rules:\n",
		"  rules:\n    - name: payments\n      when: metadata.namespace == \"payments-internal\"\n      allow:\n" +
			"        groups: [\"group:default/payments\"]\n        users: related(\"ownedBy\", \"user\")\n"},
	"a rule by a bad condition": {"  rules:\n",
		"  rules:\n    - name: odd\n      when: spec.type\n      allow: owner\n"},
	"a rule for nobody": {"  rules:\n",
		"  rules:\n    - name: empty\n      when: kind == \"API\"\n      allow:\n        users: []\n"},
	"a rule without allow": {"  rules:\n", "  rules:\n    - name: empty\n      when: kind == \"API\"\n"},
	"a rule that hides all": {"  rules:\n",
		"  rules:\n    - name: all\n      when: \"true\"\n      allow: none\n"},
	"a rule with an invalid ref": {"  rules:\n",
		"  rules:\n    - name: odd\n      when: kind == \"API\"\n      allow:\n        users: metadata.tags\n"},
	"owners that are text": {"  owners: 'kind == \"Group\" ? [ref] : related(\"ownedBy\")'",
		"  owners: spec.owner"},
	"owners that are numbers": {"  owners: 'kind == \"Group\" ? [ref] : related(\"ownedBy\")'",
		"  owners: map(related(\"ownedBy\"), len(#))"},
	"no owners":                      {"  owners: 'kind == \"Group\" ? [ref] : related(\"ownedBy\")'", "  # "},
	"a default of owner":             {"${DEFAULT_PERMISSIONS:-datasource-users}", "owner"},
	"a default of none":              {"${DEFAULT_PERMISSIONS:-datasource-users}", "none"},
	"a default for all":              {"${DEFAULT_PERMISSIONS:-datasource-users}", "all-users"},
	"a default that is no word":      {"${DEFAULT_PERMISSIONS:-datasource-users}", "everybody"},
	"subgroups":                      {"      # subgroups: related", "      subgroups: related"},
	"groups with an id of their own": {"      id: ref\n      members", "      id: display(ref)\n      members"},
	"users without a condition":      {"    when: kind == \"User\" and spec.profile.email != nil\n", ""},
	"users by name":                  {"email: lower(spec.profile.email)", "email: metadata.name"},
	"no documents for users": {"    - when: kind in [\"Component\", \"API\", \"System\", \"Domain\", " +
		"\"Resource\", \"Location\", \"Template\"]\n", "    - \n"},
	"an urlRegex": {"      isUserReferencedByEmail: true\n",
		"      isUserReferencedByEmail: true\n      urlRegex: https://elsewhere\\.example\\.com/.*\n"},
	"users by id":                {"isUserReferencedByEmail: true", "isUserReferencedByEmail: false"},
	"pages of one":               {"${SYNC_BATCH_SIZE:-500}", "1"},
	"pages of nothing":           {"${SYNC_BATCH_SIZE:-500}", "0"},
	"tiny pages":                 {"bytes: 4MiB", "bytes: 1KiB"},
	"a page size of two":         {"${BACKSTAGE_PAGE_SIZE:-500}", "2"},
	"a strict guard":             {"max_rejected: 1%", "max_rejected: 0%"},
	"a guard of everything":      {"max_loss: 20%", "max_loss: 100%"},
	"a guard beyond everything":  {"max_loss: 20%", "max_loss: 120%"},
	"no transforms":              {"transforms:", "transforms: []\nx-transforms:"},
	"a huge repetition":          {"        summary: description\n", "        summary: repeat(name, 1000000000)\n"},
	"a wrong regular expression": {"        summary: description\n", "        summary: string(name matches \"(\")\n"},
	"a division by nothing": {"        summary: description\n",
		"        summary: string(1 / len(metadata.labels))\n"},
	"an index out of reach": {"        summary: description\n", "        summary: metadata.tags[99]\n"},
}

// TestWhatCheckAcceptsRuns (invariant 9): a run of a file that check accepts
// delivers, rejects records or is refused by a guard; it never fails, and
// never finds the file wrong.
func TestWhatCheckAcceptsRuns(t *testing.T) {
	t.Parallel()
	accepted, refused := 0, 0
	t.Run("edits", func(t *testing.T) {
		for name, edit := range edits {
			path := edited(t, edit...)
			t.Run(name, func(t *testing.T) {
				env := map[string]string{"CI": "true"}
				if check := pipe(t, env, "check", path); check.code != int(job.Done) {
					refused++
					if check.code != int(job.Wrong) || !strings.Contains(check.stdout, "pipeline.yaml:") {
						t.Errorf("check: exit %d\n%s", check.code, check.both())
					}
					if c := pipe(t, env, "run", "--sandbox", path); c.code != int(job.Wrong) {
						t.Errorf("check refuses what runs: exit %d\n%s\n%s", c.code, check.both(), c.both())
					}
					return
				}
				accepted++
				for _, only := range []string{"", "users", "documents", "groups,documents"} {
					c := pipe(t, env, "run", "--sandbox", "--progress", "none", "--only", only, path)
					if c.code != int(job.Done) && c.code != int(job.Rejected) && c.code != int(job.Refused) {
						t.Errorf("--only %q: check accepts it, and the run ends with %d\n%s", only, c.code, c.both())
					}
				}
			})
		}
	})
	if accepted < 30 || refused < 15 {
		t.Errorf("%d edits were accepted and %d refused: the list is too one-sided to say much", accepted, refused)
	}
}
