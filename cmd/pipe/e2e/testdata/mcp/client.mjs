// An assistant that knows nothing of pipe but what its server says: it changes a pipeline file, and
// prints what each step gave as JSON. Arguments: the program, its arguments.
import { readFileSync, writeFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "unfamiliar", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" }));

const steps = {};
const call = async (step, name, given) => {
  const r = await client.callTool({ name, arguments: given });
  steps[step] = { failed: r.isError === true, ...JSON.parse(r.content[0].text) };
  return steps[step];
};
const edit = (file, old, text) => {
  const now = readFileSync(file, "utf8");
  if (now.split(old).length !== 2) throw new Error(`${file}: not one ${JSON.stringify(old)}`);
  writeFileSync(file, now.replace(old, () => text));
};

steps.server = client.getServerVersion();
steps.tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
const workflow = await client.readResource({ uri: (await client.listResources()).resources[0].uri });
steps.workflow = workflow.contents[0].text;

const file = "backstage.yaml";
const tests = "backstage.test.yaml";
await call("components", "components", { name: "permissions" });
await call("value", "eval", { file, expression: "spec.type", ref: "component:default/booking-service" });

// A property, with a mistake first: check names its place.
edit(file, "          ref: ref\n    - when: kind == \"TechDocsPage\"",
  "          ref: ref\n          tier: metadata.annotation[\"example.com/tier\"]\n    - when: kind == \"TechDocsPage\"");
const wrong = await call("mistake", "check", { file });
const problem = wrong.data.problems[0];
steps.line = readFileSync(file, "utf8").split("\n")[problem.line - 1];
edit(file, "metadata.annotation[", "metadata.annotations[");
edit(file, "      - {name: ref, displayLabel: Entity ref",
  "      - {<<: *facet, name: tier, displayLabel: Tier, displayLabelPlural: Tiers}\n" +
  "      - {name: ref, displayLabel: Entity ref");

// A rule. No test touches it yet.
edit(file, "    # - name: payments ",
  "    - name: experiments are for their owners\n      when: spec.lifecycle == \"experimental\"\n      allow: owner\n" +
  "    # - name: payments ");
await call("checked", "check", { file });
await call("untested", "test", { file });

// Its test.
writeFileSync(tests, readFileSync(tests, "utf8").trimEnd() + `

  - name: an experiment is found by its owners, and its tier is a property
    records:
      - kind: Component
        metadata: {name: trial, annotations: {example.com/tier: gold}}
        spec: {type: service, lifecycle: experimental, owner: user:default/zoe}
        relations: [{type: ownedBy, targetRef: user:default/zoe}]
      - kind: User
        metadata: {name: zoe}
        spec: {profile: {displayName: Zoe, email: zoe@example.com}}
      - kind: User
        metadata: {name: yan}
        spec: {profile: {displayName: Yan, email: yan@example.com}}
    expect:
      component:default/trial:
        documents: {customProperties: {tier: gold}}
        rule: experiments are for their owners
        can_see: [zoe@example.com]
        cannot_see: [yan@example.com]
`);
await call("checkedTests", "check", { file: tests });
await call("tested", "test", { file });
await call("diff", "diff", { file, against: "out" });
await call("run", "sandbox_run", { file });
await call("search", "search_as", { file, query: "booking", person: "mei.tanaka@larkspur.example" });
await client.close();
console.log(JSON.stringify(steps));
