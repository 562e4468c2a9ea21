// Package settings reads the configuration of a plugin from the pipeline file, by the
// JSON Schema that the plugin gives, and checks it. plugins/host sends the result to
// the plugin.
//
// Invariants kept here. Secrets stay secret (6): fields that the schema marks as
// writeOnly are collected for redaction, only they may be read from files, and no
// message quotes a value. A schema comes from outside: it can load no other document.
package settings
