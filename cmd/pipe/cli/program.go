package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// Program is a program of this module. Its calls, help, errors, exit codes and logs are alike.
type Program struct {
	Name, Usage string
	// About, Call and Notes are the first paragraph of its help, its line of usage, and the last
	// paragraph.
	About, Call, Notes string
	Groups             []Group
	// Examples are two calls of each command, which the help shows, by the command's full name.
	Examples map[string][]string
	Commands func(s *Session) []*urfave.Command

	ofFiles bool // its commands act on a pipeline file, with --state and --set
}

// Group is a part of the list of commands in the help.
type Group struct {
	Title string
	Names []string // of the commands
}

// program returns the program that runs: pipe, unless the host names another one.
func (a *app) program() *Program {
	if a.Program != nil {
		return a.Program
	}
	return &Program{
		Name: "pipe", Usage: "publish a Backstage catalog to Glean, each document for the people who may see it",
		About: "pipe publishes a Backstage catalog to Glean: every entity a document, found by the people who may " +
			"see it.",
		Call: "Usage: pipe COMMAND [FILE] [OPTIONS]",
		Notes: "FILE is the pipeline file. Most commands find it where the working directory or its folder " +
			"pipelines has " +
			"exactly one, or where PIPE_FILE names it.",
		Groups: groups(), Examples: exampleCalls(), Commands: a.pipeCommands, ofFiles: true,
	}
}

// ofProgram returns a text about pipe as one about the program that runs.
func (a *app) ofProgram(text string) string {
	if name := a.program().Name; name != "pipe" {
		return strings.NewReplacer("_pipe", "_"+name, "pipe", name).Replace(text)
	}
	return text
}

// pipeCommands are the commands of pipe.
func (a *app) pipeCommands(*Session) []*urfave.Command {
	return []*urfave.Command{a.runCommand(), a.checkCommand(), a.testCommand(), a.explainCommand(), a.evalCommand(),
		a.diffCommand(), a.playCommand(), a.previewCommand(), a.doctorCommand(), a.configCommand(), a.showCommand(),
		a.statusCommand(), a.datasourceCommand(), a.approveCommand(), a.adoptCommand(), a.auditCommand(),
		a.stateCommand(),
		a.hideCommand(),
		a.pushCommand(), a.purgeCommand(), a.processCommand(), a.tokenCommand(), a.secretCommand(), a.loginCommand(),
		a.sandboxCommand(), a.serveCommand(), a.agentCommand(), a.hubCommand(), a.verifyCommand(), a.triggerCommand(),
		a.pluginCommand(), a.lspCommand(), a.mcpCommand(),
		a.initCommand(), a.schemaCommand(), a.componentsCommand(), a.functionsCommand(), a.completionCommand(),
		a.versionCommand(), a.manCommand()}
}
