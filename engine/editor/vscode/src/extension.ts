// Starts `pipe lsp` for pipeline files and shows what its commands give. All logic is in the server.
import * as vscode from "vscode";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext) {
  const settings = vscode.workspace.getConfiguration("pipe");
  const command = settings.get<string>("path", "pipe");
  const files = settings.get<string[]>("files", []);
  client = new LanguageClient(
    "pipe",
    "pipe",
    { command, args: ["lsp"], transport: TransportKind.stdio },
    {
      documentSelector: files.map((pattern) => ({ scheme: "file", language: "yaml", pattern })),
      middleware: { executeCommand: run },
    },
  );
  context.subscriptions.push(
    vscode.commands.registerCommand("pipe.chooseSample", chooseSample),
    vscode.commands.registerCommand("pipe.explainSample", () => {
      const file = active();
      return file && vscode.commands.executeCommand("pipe.explain", file);
    }),
  );
  await client.start();
}

export function deactivate() {
  return client?.stop();
}

function active(): string | undefined {
  return vscode.window.activeTextEditor?.document.uri.toString();
}

// run shows the text that a command of the server returns beside the file.
async function run(command: string, args: unknown[], next: (command: string, args: unknown[]) => unknown) {
  const result = await next(command, args);
  if (typeof result === "string" && (command === "pipe.explain" || command === "pipe.test")) {
    const language = command === "pipe.explain" ? "markdown" : "plaintext";
    const shown = await vscode.workspace.openTextDocument({ content: result, language });
    await vscode.window.showTextDocument(shown, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
  }
  return result;
}

async function chooseSample() {
  const file = active();
  if (!file) {
    return;
  }
  const from = await vscode.window.showQuickPick(["tests", "sandbox", "a file of records"], {
    placeHolder: "Where the records come from",
  });
  if (!from) {
    return;
  }
  let source = from;
  if (from === "a file of records") {
    const path = await vscode.window.showInputBox({ prompt: "The path, from the folder of the pipeline file" });
    if (!path) {
      return;
    }
    source = path;
  }
  await vscode.commands.executeCommand("pipe.choose", file, source, "");
  const refs = await vscode.commands.executeCommand<string[]>("pipe.samples", file);
  const ref = await vscode.window.showQuickPick(refs ?? [], { placeHolder: "The record that values are shown for" });
  if (ref) {
    await vscode.commands.executeCommand("pipe.choose", file, source, ref);
  }
}
