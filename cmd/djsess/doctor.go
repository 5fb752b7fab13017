package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Check the configuration against the live store",
		Long: `Doctor checks the store, its server and the settings, and prints a line for each
check, with the remedy below it if something is wrong: ok, warn, fail, or skipped if
the check cannot tell.

It reads at most a thousand sessions. If some of them cannot be read, it tries the
fallback keys, other names of the session class, the forms of other releases of Django
and the other serializer, and names what opens them.

It writes nothing. The exit status is 1 if a check fails.`,
		Example: `  djsess doctor
  djsess doctor --store live
  djsess doctor -o json | jq '.checks[] | select(.status == "fail")'`,
		Args: exactly(0, "want no arguments"),
	}
	output := addOutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.flags.readOnly = true // the server then refuses writes, too
		var results []djsession.CheckResult
		opened := false
		err := a.withStore(cmd, func(ctx context.Context, s *site) (err error) {
			opened = true
			results, err = a.examine(ctx, s)
			return err
		})
		switch status, _ := explain(err); {
		case err != nil && (opened || status != failed):
			return err
		case err != nil: // such as a SQLite file that does not exist
			results = []djsession.CheckResult{djsession.ErrorResult(djsession.StoreCheck, djsession.CheckFails, err)}
		}
		return a.printChecks(results, *output)
	}
	return cmd
}

// examine checks an open store.
func (a *app) examine(ctx context.Context, s *site) ([]djsession.CheckResult, error) {
	var options ops.Examination
	var noUsers error
	if !a.noSecretKey {
		auth, closeUsers, err := a.auth(s, "the check of logins", true)
		if err == nil {
			defer closeUsers()
			options.Auth = auth
		}
		noUsers = err
	}
	results := ops.Examine(ctx, s.Store, options)
	for i := range results {
		r := &results[i]
		if r.Check == djauth.UsersCheck && r.Status == djsession.CheckSkipped && noUsers != nil {
			r.Remedy = message(noUsers)
		}
		if r.Err == nil {
			continue
		}
		r.Text = withoutOperation.Replace(message(r.Err))
		if op := (*djsession.OpError)(nil); r.Check == djsession.StoreCheck && errors.As(r.Err, &op) {
			r.Text = strings.TrimPrefix(r.Text, op.Op+" "+op.Key+": ") // of a session that nobody has
		}
		if r.Remedy == "" {
			_, hint := explain(withHint(unreachable(r.Err, s.namedBy), s.settings))
			r.Remedy = cmp.Or(storeHint(r.Err), hint)
		}
		if r.Check == djsession.KeyCheck && errors.Is(r.Err, djsession.ErrBadSignature) && a.keyHint != "" {
			r.Remedy += "; " + a.keyHint
		}
	}
	return results, ctx.Err()
}

// withoutOperation leaves out the names of the package and of the operation that every line is about.
var withoutOperation = strings.NewReplacer("djauth: ", "", "examine: ", "", "check: ", "")

// printChecks prints the results. If a check has failed, the error is the exit status.
func (a *app) printChecks(results []djsession.CheckResult, output outputFlag) error {
	fails := int64(0)
	for _, r := range results {
		if r.Status == djsession.CheckFails {
			fails++
		}
	}
	var err error
	if output == asJSON {
		err = printChecksJSON(a.stdout, results, fails == 0)
	} else {
		err = printChecksText(a.stdout, results)
	}
	if err == nil && fails > 0 {
		a.complain("%s failed", counted(fails, "check"))
		err = reported{failed}
	}
	return err
}

func printChecksText(w output, results []djsession.CheckResult) error {
	width := 0
	for _, r := range results {
		width = max(width, len(r.Check))
	}
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%-7s  %-*s  %s\n", r.Status, width, r.Check, oneLine(r.Text))
		if r.Remedy != "" {
			fmt.Fprintf(&b, "%7s  %-*s  %s\n", "", width, "", oneLine(r.Remedy))
		}
	}
	_, err := w.Write([]byte(b.String()))
	return err
}

func printChecksJSON(w output, results []djsession.CheckResult, healthy bool) error {
	type check struct {
		Check  string                `json:"check"`
		Status djsession.CheckStatus `json:"status"`
		Text   string                `json:"text"`
		Remedy string                `json:"remedy"`
	}
	checks := []check{}
	for _, r := range results {
		checks = append(checks, check{r.Check, r.Status, r.Text, r.Remedy})
	}
	return json.NewEncoder(w).Encode(struct {
		Healthy bool    `json:"healthy"`
		Checks  []check `json:"checks"`
	}{healthy, checks})
}
