// Starts `pipe lsp` for pipeline files and shows what its commands give. All logic is in the server.
import * as vscode from "vscode";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";

let client: Client | undefined;

// Client reports a program that cannot be started in words that help.
class Client extends LanguageClient {
  constructor(private readonly program: string, files: string[]) {
    super(
      "pipe",
      "pipe",
      { command: program, args: ["lsp"], transport: TransportKind.stdio },
      {
        documentSelector: files.map((pattern) => ({ scheme: "file", language: "yaml", pattern })),
        middleware: { executeCommand: run },
      },
    );
  }

  override error(message: string, data?: any, show?: boolean | "force") {
    if (!String(data).startsWith("Launching server using command")) {
      super.error(message, data, show);
      return;
    }
    const settings = "Open the setting";
    vscode.window
      .showErrorMessage(
        `The program ${this.program} cannot be started. Install pipe, or enter its path in pipe.path.`,
        settings,
      )
      .then((chosen) => chosen && openSetting("@id:pipe.path"));
  }
}

// openSetting opens the settings of the machine that the extension runs on.
function openSetting(query: string) {
  const where = vscode.env.remoteName ? "openRemoteSettings" : "openSettings";
  return vscode.commands.executeCommand("workbench.action." + where, { query });
}

export async function activate(context: vscode.ExtensionContext) {
  context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider("pipe", results),
    vscode.commands.registerCommand("pipe.chooseSample", chooseSample),
    vscode.commands.registerCommand("pipe.explainSample", () => {
      const file = active();
      return file && vscode.commands.executeCommand("pipe.explain", file);
    }),
    vscode.workspace.onDidChangeConfiguration(async (changed) => {
      if (changed.affectsConfiguration("pipe")) {
        await deactivate();
        await start();
      }
    }),
  );
  await start();
}

async function start() {
  const settings = vscode.workspace.getConfiguration("pipe");
  client = new Client(settings.get<string>("path", "pipe"), settings.get<string[]>("files", []));
  await client.start().catch(() => undefined); // reported by the client
}

export async function deactivate() {
  const last = client;
  client = undefined;
  if (last?.isRunning()) {
    await last.stop();
  }
}

function active(): string | undefined {
  return vscode.window.activeTextEditor?.document.uri.toString();
}

// Results has the texts that commands returned, as documents that need no saving.
class Results implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri) {
    return this.texts.get(uri.toString());
  }

  async show(name: string, text: string) {
    const uri = vscode.Uri.from({ scheme: "pipe", path: name });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    const shown = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(shown, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
  }
}

const results = new Results();

// run shows the text that a command of the server returns at the side of the file.
async function run(command: string, args: unknown[], next: (command: string, args: unknown[]) => unknown) {
  const result = await next(command, args);
  if (typeof result === "string" && command === "pipe.explain") {
    await results.show("Explanation.md", result);
  } else if (typeof result === "string" && command === "pipe.test") {
    await results.show("Test result.txt", result);
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
