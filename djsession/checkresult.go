package djsession

import (
	"context"
	"errors"
	"strings"
)

// CheckStatus says how a check has ended.
type CheckStatus string

const (
	// CheckOK: all is well.
	CheckOK CheckStatus = "ok"
	// CheckWarns: something is risky or looks wrong, but the site's sessions work.
	CheckWarns CheckStatus = "warn"
	// CheckFails: sessions cannot be read or written as on the site.
	CheckFails CheckStatus = "fail"
	// CheckSkipped: the check cannot tell.
	CheckSkipped CheckStatus = "skipped"
)

// CheckResult is what one check of a store or its settings has found. ops.Examine runs them all.
type CheckResult struct {
	// Check names the check in a word or two, such as "clock".
	Check  string
	Status CheckStatus
	// Text says what was found. It holds no secret and no whole session key.
	Text string
	// Remedy says what to do. It is empty if all is well, or if there is nothing to do.
	Remedy string
	// Err is the error that was found, if there is one. Text then is its text.
	Err error
}

// ErrorResult returns the result of a check that has found an error. The hint of an OpError becomes
// the remedy.
func ErrorResult(check string, status CheckStatus, err error) CheckResult {
	r := CheckResult{Check: check, Status: status, Text: err.Error(), Err: err}
	if op := (*OpError)(nil); errors.As(err, &op) && op.Hint != "" {
		r.Text, r.Remedy = strings.Replace(r.Text, " ("+op.Hint+")", "", 1), op.Hint
	}
	return r
}

// Examiner is a Store that can check its server, its table or its folder.
type Examiner interface {
	// Examine returns one result for each check, also for those that find nothing wrong. They
	// include what Check finds, if the store is a Checker. It writes nothing.
	Examine(ctx context.Context) []CheckResult
}

// Reopener is a Store that can look at its sessions with other settings, to find out which are
// the site's.
type Reopener interface {
	// Reopen returns a store at the same place, with these settings. It is for reading, and shares
	// the connections of the receiver: close only the receiver.
	Reopen(s *Settings) (Store, error)
}
