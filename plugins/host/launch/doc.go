// Package launch starts the process of a plugin and ends it with everything that it
// started. plugins/host hands it the command that plugins/host/pin has verified.
//
// On Linux a subreaper (see RunSubreaper) is the parent of each plugin: a small
// process that outlives pipe by a moment. It drops the capabilities with which root
// reads other processes, and ends all descendants of the plugin, also after SIGKILL
// of pipe. Killing the subreaper kills the plugin, and may leave its children. On
// other systems the plugin's process group is ended, and a shell watches over it
// for a SIGKILL of pipe; processes that left the group are left.
//
// Invariant kept here: secrets stay secret (6). A plugin gets only the environment of
// its Command, no input, and no open file.
package launch
