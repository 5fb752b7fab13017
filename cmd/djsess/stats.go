package main

import (
	"context"
	_ "embed"
	"errors"
	"html/template"
	"io"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) statsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stats [flags]",
		Short: "Count the sessions: of whom, how large, how old",
		Long: `Stats counts the sessions: how many are live, expired, anonymous and logged in, how
large they are and how long they live. It lists the largest sessions, the names whose
values take most room, and the users with most live sessions.

It reads the whole store, or the first sessions that it comes to, with --sample. Keys
are random, so these are a fair sample. Sizes are those of the values before they are
compressed and signed. The memory that it takes does not grow with the store: if
there are very many users or names, their lists are approximate and say so.

--html FILE also writes a page with the same as charts. The page needs no other file
and no network, and shows no more of a session key than its first 6 characters. It
has user IDs. A file that exists is replaced. - is standard output.

If a live session cannot be read, stats names it on stderr and goes on. The exit
status is then 4; djsess verify says more.`,
		Example: `  djsess stats
  djsess stats --sample 10000
  djsess stats --html sessions.html
  djsess stats -o json | jq '.names[0]'`,
		Args: exactly(0, "want no arguments"),
	}
	flags := addJobFlags(cmd, false)
	sample := cmd.Flags().Int64("sample", 0, "read only `N` sessions (default: all)")
	top := cmd.Flags().Int("top", 10, "how many sessions, names and users to list, a number `N`")
	html := cmd.Flags().String("html", "", "also write a page with charts to `FILE`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.Flags().Changed("sample") && *sample <= 0:
			return usagef(cmd, "--sample: want a whole number above zero")
		case *top <= 0 || *top > mostListed:
			return usagef(cmd, "--top: want a whole number from 1 to %d", mostListed)
		case cmd.Flags().Changed("html") && *html == "":
			return usagef(cmd, "--html: want the name of a file")
		case *html == standardStream && *flags.output == asJSON:
			return usagef(cmd, "--html - and -o json: choose one for standard output")
		}
		page := &wholeFile{path: *html, force: true, begin: "<!DOCTYPE html>"}
		if *html != "" {
			if err := page.check(); err != nil {
				return err
			}
		}
		return a.withStore(cmd, func(ctx context.Context, s *site) error {
			job, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			report.stopped = "the counts are those of the part that was read"
			counted, err := ops.Stats(ctx, s.Store, ops.StatsOptions{Job: job, Sample: *sample, Top: *top})
			if errors.Is(err, errors.ErrUnsupported) {
				err = &hinted{err, "its sessions cannot be counted"}
			}
			a.counts = []counter{{name: "live", count: counted.Live}, {name: "expired", count: counted.Expired}, {name: "anonymous", count: counted.Anonymous},
				{name: "logged_in", count: counted.LoggedIn}, {name: "unreadable", count: counted.Unreadable}}
			return report.finishWith(counted.Live+counted.Expired > 0, func() error {
				report.warnIfStopped(err != nil)
				view := newStatsView(s.String(), counted)
				if *html != "" && err == nil {
					if err := a.writePage(page, view); err != nil || *html == standardStream {
						return err
					}
				}
				if *flags.output == asJSON {
					return printStatsJSON(report.out, counted, err == nil)
				}
				return view.print(report.out)
			}, err)
		})
	}
	return cmd
}

// mostListed bounds --top.
const mostListed = 1000

// writePage writes the page to its file or to standard output.
func (a *app) writePage(file *wholeFile, view *statsView) error {
	if file.path == standardStream {
		return view.writeHTML(a.stdout)
	}
	if err := file.create(); err != nil {
		return err
	}
	defer file.abandon()
	if err := view.writeHTML(file.temporary); err != nil {
		return err
	}
	return file.commit()
}

//go:embed statspage.html
var statsPageText string

// writeHTML writes the statistics as a page. html/template escapes what visitors have chosen, such as names.
func (v *statsView) writeHTML(w io.Writer) error {
	page, err := template.New("stats").Parse(statsPageText)
	if err != nil {
		return err
	}
	return page.Execute(w, v)
}
