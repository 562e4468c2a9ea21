// Package fault defines the kinds of failure that the rest of the program acts on: errors with
// a class and a remedy, the retry policy, the rejection of one record, and the refusal of a run
// with the changes that an approval names.
package fault
