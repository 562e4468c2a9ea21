//go:build !unix

package main

import "os"

func sameOwner(*os.File, os.FileInfo) error { return nil }
