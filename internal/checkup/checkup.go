// Package checkup has what the Examine methods of several stores share.
package checkup

import (
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// MoveRemedy is the end of a remedy by which a site keeps its sessions elsewhere. A new place is empty,
// and every user would be logged out.
const MoveRemedy = "djsess takes the sessions along, as docs/moving/engines.md says"

// ToleratedSkew is how far apart two clocks may be. Sessions live for hours or weeks.
const ToleratedSkew = 10 * time.Second

// CheckClock asks a server for its time and compares it with now, this machine's clock. Sessions end
// by the clock of the server or program that reads them.
func CheckClock(server string, now func() time.Time, ask func() (time.Time, error)) djsession.CheckResult {
	const check = "clock"
	before := now()
	theirs, err := ask()
	after := now()
	if err != nil {
		return djsession.ErrorResult(check, djsession.CheckSkipped, fmt.Errorf("%s does not tell its time: %w", server, err))
	}
	skew := theirs.Sub(before.Add(after.Sub(before) / 2))
	if skew.Abs() <= ToleratedSkew+after.Sub(before) {
		return djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: "the clocks of " + server + " and of this machine agree"}
	}
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return djsession.CheckResult{
		Check: check, Status: djsession.CheckWarns,
		Text:   fmt.Sprintf("the clock of %s is %v %s this machine's", server, skew.Abs().Round(time.Second), direction),
		Remedy: "set the clocks by NTP: otherwise one side takes sessions for expired that live on the other",
	}
}
