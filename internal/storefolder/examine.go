package storefolder

import (
	"fmt"
	"os"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/remedy"
)

// Examine checks the folder: who may read it and who may write to it. See djsession.Examiner.
func (f *Folder) Examine() djsession.CheckResult {
	const check = "folder"
	info, err := os.Stat(f.Path)
	if err == nil {
		var dir *os.File
		if dir, err = os.Open(f.Path); err == nil {
			dir.Close()
		}
	}
	if err != nil {
		r := djsession.ErrorResult(check, djsession.CheckFails, f.Fail("examine", "", err))
		r.Remedy = "run as the user that the site runs as"
		return r
	}
	r := djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: fmt.Sprintf("%s is a folder of the permissions %v", f.Path, info.Mode().Perm())}
	if f.IsOpenToAll() {
		r.Status = djsession.CheckWarns
		r.Text += ": every user of this machine may put files there"
		r.Remedy = "give the site a folder of its own, with the permissions 0700, by " + f.config.Setting + "; " + remedy.Move
	}
	return r
}
