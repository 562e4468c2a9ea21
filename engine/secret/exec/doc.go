// Package exec reads secrets from the output of a command, such as the one of a password
// manager. The command is started without a shell, in the folder of the pipeline file, and
// has 10 seconds and 64 KiB. What it writes to standard error is discarded, because it may
// hold a secret (invariant 6: secrets stay secret).
package exec
