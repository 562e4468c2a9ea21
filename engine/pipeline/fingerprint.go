package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// fingerprint returns a hash of the file's text, the settings, and the variables that are not
// secret.
func (d *Definition) fingerprint() string {
	h := sha256.New()
	h.Write(d.Document.Source())
	for _, s := range d.o.Settings {
		fmt.Fprintf(h, "\x00set %s\x00%s", s.Path, s.Value)
	}
	for _, v := range d.Variables {
		if !v.Secret && v.Set && d.o.Variables.Lookup != nil {
			value, _ := d.o.Variables.Lookup(v.Name)
			fmt.Fprintf(h, "\x00env %s\x00%s", v.Name, value)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// RulesHash returns a hash of what decides about records and their access: vars, define,
// transforms, mapping and permissions, and with them the checksums of programs. Comments and the
// form of the file do not count.
func (d *Definition) RulesHash() string {
	h := sha256.New()
	for _, key := range proposable {
		fmt.Fprintf(h, "%s %#v\x00", key, d.Document.Root().Get(key).Value())
	}
	return hex.EncodeToString(h.Sum(nil))
}
