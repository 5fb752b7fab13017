package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// source is the way in which the command got a file's path. It decides which kinds of file are
// read.
type source int

const (
	// fromCommandLine: any file is read, including a pipe such as <(…) or /dev/stdin.
	fromCommandLine source = iota
	// fromConfig: a configuration file names it. Only a regular file is read.
	fromConfig
	// fromSearch: it was found in this folder or above. Only a regular file that trust
	// accepts is read.
	fromSearch
)

// readFile reads a file, which must not be larger than most bytes. It does not wait for a writer if
// the file is a pipe. It checks the permissions of the open file, not those of the path, which may
// lead to another file by then.
func readFile(path string, from source, most int) ([]byte, fs.FileInfo, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case from != fromCommandLine && !info.Mode().IsRegular():
		return nil, nil, errors.New("this is not a regular file")
	case from == fromSearch:
		flag := ""
		if filepath.Base(path) == configName {
			flag = "--config"
		}
		if err := trust(path, info, flag); err != nil {
			return nil, nil, err
		}
	}
	const maxWait = time.Minute            // for a program behind a pipe, which may ask for a passphrase
	f.SetDeadline(time.Now().Add(maxWait)) // fails for a regular file, which needs no deadline
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil, fmt.Errorf("the pipe was not closed within %v", maxWait)
	case err != nil:
		return nil, nil, err
	case len(data) > most:
		return nil, nil, fmt.Errorf("it is larger than %d KiB", most>>10)
	}
	return data, info, nil
}

// trustVariable is the environment variable that names a trusted file, or a folder whose
// files are trusted.
const trustVariable = "DJSESS_TRUST_CONFIG"

// trust checks a file that was found by a search. It returns an error if anybody but this user
// and root could have written the file or could replace it: a djsess.toml decides which files of
// secrets are read, to which hosts the secrets are sent and which programs print them, and a manage.py is run. The flag names
// such a file without a search; "" if there is none. The error does not name the file.
func trust(path string, file fs.FileInfo, flag string) error {
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
		reason, remedy = fmt.Sprintf("it is a symbolic link that belongs to user %d, who is neither you nor root", ownerOf(link)), chown("-h "+path)
	case writableByOthers(file):
		reason, remedy = "other users may write to it", "chmod go-w "+path
	case !ownedByUs(around):
		reason, remedy = fmt.Sprintf("its folder belongs to user %d, who is neither you nor root", ownerOf(around)), chown(folder)
	case writableByOthers(around) && around.Mode()&fs.ModeSticky == 0: // in a sticky folder such as /tmp only the owner can replace it
		reason, remedy = "other users may write to its folder", "chmod go-w "+folder
	default:
		return nil
	}
	byFlag := ""
	if flag != "" {
		byFlag = " or pass the file by " + flag + ","
	}
	return fmt.Errorf("this file was found by a search and is not trusted: %s; run %q,%s or, in a container, set %s=%s",
		reason, remedy, byFlag, trustVariable, path)
}

// isTrusted reports whether $DJSESS_TRUST_CONFIG names the file or its folder.
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

// exposed returns a warning if others can read or change a file of secrets, or "". The
// file's group may read it: a web server often reads its files by the group.
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
