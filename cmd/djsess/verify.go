package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) verifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [flags]",
		Short: "Find the sessions that cannot be read, and why",
		Long: `Verify reads all live sessions, and counts those that cannot be read by the reason
why, with the beginnings of some keys and a remedy for each reason. Django treats
such a session as an empty one, so its visitor is logged out. The exit status is
then 4.

If none of the first hundred sessions can be read, verify stops: the SECRET_KEY is
not the site's, or the store is not. It writes nothing.`,
		Example: `  djsess verify
  djsess verify -o json | jq .kinds
  djsess verify --shard 1/4     # on the first of four machines`,
		Args: exactly(0, "want no arguments"),
	}
	flags := addJobFlags(cmd, false)
	all := cmd.Flags().Bool("all", false, "also the sessions that have expired and are still stored")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withStore(cmd, func(ctx context.Context, s *site) error {
			job, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			report.quiet, report.stopped = true, "the counts are those of the part that was read"
			found, err := ops.Verify(ctx, s.Store, ops.VerifyOptions{Job: job, Expired: *all})
			a.counts = []counter{{name: "read", count: found.Read}, {name: "unreadable", count: found.Unreadable}}
			return report.finishWith(found.Read > 0, func() error {
				report.warnIfStopped(err != nil)
				if found.Unreadable > 0 {
					a.complain("%s cannot be read", counted(found.Unreadable, "session"))
				}
				if *flags.output == asJSON {
					return printVerifiedJSON(report, found, err == nil)
				}
				return printVerified(report, found)
			}, err)
		})
	}
	return cmd
}

// remedy returns what to do about sessions that cannot be read for the same reason, or "".
func (r *jobReport) remedy(kind ops.UnreadableKind) string {
	_, hint := explain(withHint(kind.Err, r.settings))
	if errors.Is(kind.Err, djsession.ErrBadSignature) && r.app.keyHint != "" {
		hint += "; " + r.app.keyHint
	}
	return hint
}

// printVerified prints the findings for people to read.
func printVerified(r *jobReport, found *ops.VerifyReport) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%12s sessions read\n%12s cannot be read\n", thousands(found.Read), thousands(found.Unreadable))
	for _, kind := range found.Kinds {
		fmt.Fprintf(&b, "\n%12s %s: %s", thousands(kind.Count), oneLine(kind.Kind), oneLine(strings.Join(kind.Examples, " ")))
		if more := kind.Count - int64(len(kind.Examples)); more > 0 {
			fmt.Fprintf(&b, " and %s more", thousands(more))
		}
		b.WriteByte('\n')
		if why := reason(kind.Err); why != kind.Kind {
			fmt.Fprintf(&b, "%12s for example: %s\n", "", oneLine(why))
		}
		if remedy := r.remedy(kind); remedy != "" {
			fmt.Fprintf(&b, "%12s %s\n", "", oneLine(remedy))
		}
	}
	_, err := r.out.Write([]byte(b.String()))
	return err
}

// printVerifiedJSON prints the findings for programs.
func printVerifiedJSON(r *jobReport, found *ops.VerifyReport, complete bool) error {
	type kind struct {
		Kind     string   `json:"kind"`
		Sessions int64    `json:"sessions"`
		Examples []string `json:"examples"`
		Reason   string   `json:"reason"`
		Remedy   string   `json:"remedy"`
	}
	kinds := []kind{}
	for _, k := range found.Kinds {
		kinds = append(kinds, kind{k.Kind, k.Count, k.Examples, reason(k.Err), r.remedy(k)})
	}
	return json.NewEncoder(r.out).Encode(struct {
		Complete   bool   `json:"complete"`
		Read       int64  `json:"read"`
		Unreadable int64  `json:"unreadable"`
		Kinds      []kind `json:"kinds"`
	}{complete, found.Read, found.Unreadable, kinds})
}
