//go:build !unix

package main

import "os/exec"

// killAsGroup does nothing on these systems: only the program itself is killed when its context ends.
func killAsGroup(*exec.Cmd) {}
