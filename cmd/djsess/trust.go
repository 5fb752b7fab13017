package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// trustVariable names a file that is trusted, or a folder whose files are.
const trustVariable = "DJSESS_TRUST_CONFIG"

// trust is the rule for every file that is found and then obeyed, rather than given on the
// command line: a djsess.toml decides which files are read and which hosts they are sent
// to. It is an error when anybody but the caller and root could have written the file, or
// could put another in its place.
func trust(path string, file fs.FileInfo) error {
	if isTrusted(path, file) {
		return nil
	}
	folder := filepath.Dir(path)
	link, err := os.Lstat(path)
	if err != nil {
		return err
	}
	around, err := os.Stat(folder)
	if err != nil {
		return err
	}
	var reason, remedy string
	switch {
	case !ownedByUs(file):
		reason, remedy = fmt.Sprintf("it belongs to user %d, who is neither you nor root", ownerOf(file)), chown(path)
	case !ownedByUs(link):
		reason, remedy = fmt.Sprintf("it is a symbolic link of user %d's, who is neither you nor root", ownerOf(link)), chown("-h "+path)
	case writableByOthers(file):
		reason, remedy = "other users may write to it", "chmod go-w "+path
	case !ownedByUs(around):
		reason, remedy = fmt.Sprintf("its folder belongs to user %d, who is neither you nor root", ownerOf(around)), chown(folder)
	case writableByOthers(around) && around.Mode()&fs.ModeSticky == 0: // in /tmp nobody can replace it
		reason, remedy = "other users may write to its folder", "chmod go-w "+folder
	default:
		return nil
	}
	return fmt.Errorf("%s: it was found, not given, and is refused: %s; run %q, or give it by --config, or say by %s=%s that it is right, as in a container",
		path, reason, remedy, trustVariable, path)
}

// isTrusted tells whether $DJSESS_TRUST_CONFIG names the file or its folder.
func isTrusted(path string, file fs.FileInfo) bool {
	name := os.Getenv(trustVariable)
	if name == "" {
		return false
	}
	trusted, err := os.Stat(name)
	if err != nil {
		return false
	}
	folder, err := os.Stat(filepath.Dir(path))
	return os.SameFile(trusted, file) || err == nil && os.SameFile(trusted, folder)
}

func chown(path string) string { return fmt.Sprintf("chown %d %s", os.Geteuid(), path) }

// exposed says who else can get at a file that holds secrets, or "". A group may read it,
// as that of a web server does.
func exposed(file fs.FileInfo) string {
	switch {
	case file == nil || !file.Mode().IsRegular():
		return ""
	case writableByOthers(file):
		return "other users may write to this file of secrets (chmod go-w)"
	case readableByAll(file):
		return "every user of this machine may read this file of secrets (chmod o-r)"
	}
	return ""
}
