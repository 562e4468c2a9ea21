// Drives `pipe lsp` with Microsoft's implementation of the protocol: opens the shipped file and
// each file with a mistake, applies the fixes, and prints one line a file.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";
import protocol from "vscode-languageserver-protocol/node.js";

const [program, shipped, ...bad] = process.argv.slice(2);
const server = spawn(program, ["lsp"], { stdio: ["pipe", "pipe", "inherit"] });
const connection = protocol.createProtocolConnection(
  new protocol.StreamMessageReader(server.stdout),
  new protocol.StreamMessageWriter(server.stdin),
);
const waiting = new Map();
connection.onNotification(protocol.PublishDiagnosticsNotification.type, (p) => {
  waiting.get(`${p.uri} ${p.version}`)?.(p.diagnostics);
});
connection.listen();
await connection.sendRequest(protocol.InitializeRequest.type, {
  processId: process.pid,
  rootUri: pathToFileURL(dirname(shipped)).href,
  workspaceFolders: null,
  capabilities: {},
});
await connection.sendNotification(protocol.InitializedNotification.type, {});

let version = 0;
async function open(uri, text) {
  const began = performance.now();
  version++;
  const found = new Promise((resolve) => waiting.set(`${uri} ${version}`, resolve));
  await connection.sendNotification(protocol.DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId: "yaml", version, text },
  });
  return [await found, performance.now() - began];
}

function apply(text, edits) {
  const lines = text.split("\n");
  const offset = (p) => lines.slice(0, p.line).reduce((n, l) => n + l.length + 1, 0) + p.character;
  const sorted = [...edits].sort((a, b) => offset(b.range.start) - offset(a.range.start));
  for (const e of sorted) {
    text = text.slice(0, offset(e.range.start)) + e.newText + text.slice(offset(e.range.end));
  }
  return text;
}

for (const file of [shipped, ...bad]) {
  const uri = pathToFileURL(file).href;
  const text = readFileSync(file, "utf8");
  const [diagnostics, took] = await open(uri, text);
  let fixes = 0;
  let mended = 0;
  for (const d of diagnostics) {
    const actions = await connection.sendRequest(protocol.CodeActionRequest.type, {
      textDocument: { uri },
      range: d.range,
      context: { diagnostics: [d] },
    });
    for (const action of actions) {
      fixes++;
      const [after] = await open(uri, apply(text, action.edit.changes[uri]));
      mended += after.length < diagnostics.length ? 1 : 0;
      await open(uri, text);
    }
  }
  console.log(JSON.stringify({ file: basename(file), problems: diagnostics.length, fixes, mended, took }));
}
const hover = await connection.sendRequest(protocol.HoverRequest.type, {
  textDocument: { uri: pathToFileURL(shipped).href },
  position: { line: readFileSync(shipped, "utf8").split("\n").findIndex((l) => l.includes("summary: description")), character: 20 },
});
console.log(JSON.stringify({ hover: hover.contents.value }));
await connection.sendRequest(protocol.ShutdownRequest.type);
await connection.sendNotification(protocol.ExitNotification.type);
