//go:build !unix

package main

import (
	"io/fs"
	"os"
)

// Here rights are no bits of a mode, and nothing is known of them.

func openFile(path string) (*os.File, error) { return os.Open(path) }

func ownerOf(fs.FileInfo) int { return 0 }

func ownedByUs(fs.FileInfo) bool { return true }

func writableByOthers(fs.FileInfo) bool { return false }

func readableByAll(fs.FileInfo) bool { return false }
