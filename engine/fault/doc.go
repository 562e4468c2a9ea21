// Package fault holds the kinds of failure that the rest of the program acts on:
// errors with a class and a remedy, the policy for trying again, the rejection of
// one record, and the refusal of a run with the changes that an approval names.
package fault
