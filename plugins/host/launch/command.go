package launch

// Command is a program to start.
type Command struct {
	Path   string   // of the program
	Args   []string // with the program's name first
	Env    []string
	Dir    string // the working directory
	Folder string // removed when it has ended
}
