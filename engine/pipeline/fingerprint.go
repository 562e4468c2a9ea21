package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
)

// fingerprint returns a hash of the file's text, the settings, and the variables that are not
// secret.
func (d *Definition) fingerprint() string {
	h := sha256.New()
	h.Write(d.Document.Source())
	for _, s := range d.o.Settings {
		fmt.Fprintf(h, "\x00set %s\x00%s", s.Path, s.Value)
	}
	d.hashVariables(h)
	return hex.EncodeToString(h.Sum(nil))
}

func (d *Definition) hashVariables(h hash.Hash) {
	for _, v := range d.Variables {
		if !v.Secret && v.Set && d.o.Variables.Lookup != nil {
			value, _ := d.o.Variables.Lookup(v.Name)
			fmt.Fprintf(h, "\x00env %s\x00%s", v.Name, value)
		}
	}
}

// outside are the top-level keys that decide neither which records there are, nor what is made of
// them, nor who finds them.
var outside = []string{"version", "description", "secrets", "schedule", "notify", "audit"}

// RulesHash returns a hash of what decides about records and their access: the whole file with its
// settings, but the keys outside, and the values of variables that are not secret. The checksums of
// programs are in the file. Comments, the form of the file and the settings of a sandbox do not
// count.
func (d *Definition) RulesHash() string {
	h := sha256.New()
	h.Write(d.rules)
	d.hashVariables(h)
	return hex.EncodeToString(h.Sum(nil))
}

// rulesText returns the part of RulesHash that the file and its settings give.
func (d *Definition) rulesText() []byte {
	var text bytes.Buffer
	for _, e := range d.Document.Root().Entries() {
		if !slices.Contains(outside, e.Key) {
			fmt.Fprintf(&text, "%q %#v\x00", e.Key, e.Value.Value())
		}
	}
	return text.Bytes()
}
