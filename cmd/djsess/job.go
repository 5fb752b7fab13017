package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

// jobFlags are the flags of the long jobs.
type jobFlags struct {
	output  *outputFlag
	workers int
	shard   string
	stop    bool
	dryRun  bool
}

// addJobFlags adds the flags of a job, with --dry-run if it writes.
func addJobFlags(cmd *cobra.Command, writes bool) *jobFlags {
	f := new(jobFlags)
	f.output = addOutputFlag(cmd)
	addMetricsFlag(cmd)
	cmd.Flags().IntVar(&f.workers, "workers", 0, "read and write with `N` connections (default: one for each processor)")
	cmd.Flags().StringVar(&f.shard, "shard", "", "do only the part `I/N` of the sessions, such as 1/4, to spread the job over machines")
	cmd.Flags().BoolVar(&f.stop, "stop-at-unreadable", false, "stop at a session that cannot be read (default: name it and go on)")
	if writes {
		cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "read all, write nothing, and tell what would be done")
	}
	return f
}

// jobReport collects the findings of a job, and shows its progress.
type jobReport struct {
	app      *app
	flags    *jobFlags
	out      io.Writer // for the counts
	stopped  string    // what a job that ends early leaves
	quiet    bool      // the report of the job names the sessions that cannot be read, with remedies
	unit     string    // what the progress line counts
	hints    hints
	settings *djsession.Settings // of the store that is read, for hints
	named    int                 // findings that were printed
	passed   int                 // findings that were not
	bad      int                 // sessions that cannot be read
	extra    map[string]any      // for JSON, beside the counts
	terminal bool
	width    int // of the progress line that is on the terminal
	shown    time.Time
}

// job returns the options of a job for the flags.
func (a *app) job(cmd *cobra.Command, f *jobFlags, settings *djsession.Settings) (ops.Job, *jobReport, error) {
	j := ops.Job{Workers: f.workers, StopAtUnreadable: f.stop, DryRun: f.dryRun}
	if f.workers < 0 {
		return j, nil, usagef(cmd, "--workers: want a whole number above zero")
	}
	if f.shard != "" {
		i, n, ok := strings.Cut(f.shard, "/")
		var errs [2]error
		j.Shard, errs[0] = strconv.Atoi(i)
		j.Shards, errs[1] = strconv.Atoi(n)
		if !ok || errors.Join(errs[:]...) != nil || j.Shard < 1 || j.Shard > j.Shards {
			return j, nil, usagef(cmd, "--shard: want I/N, such as 1/4: the first of four parts")
		}
	}
	limitMemory(26 << 20)
	r := &jobReport{app: a, flags: f, out: a.stdout, unit: "sessions", settings: settings, hints: hints{app: a}, shown: time.Now()}
	r.stopped = "what was done stays done, and a rerun goes on from there"
	if file, ok := a.stderr.(*os.File); ok {
		r.terminal = isatty.IsTerminal(file.Fd()) && os.Getenv("TERM") != "dumb"
	}
	j.Found, j.Progress = r.found, r.progress
	return j, r, nil
}

// limitMemory has the garbage collector keep a job within so many bytes, beside the site's processes. SQLite's caches
// come on top. $GOMEMLIMIT overrides.
func limitMemory(limit int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

// found prints a finding, or counts it if there are many.
func (r *jobReport) found(f ops.Finding) {
	var payload *djsession.PayloadError
	if errors.As(f.Err, &payload) {
		r.bad++
		if r.quiet {
			return
		}
		r.hints.add(withHint(f.Err, r.settings))
	}
	if r.named == mostNamed {
		r.passed++
		return
	}
	r.named++
	r.erase()
	name := djsession.ShortKey(f.Key)
	if f.Key == "" {
		name = djsession.ShortKey(f.Name)
	}
	r.app.complain("%s: %s", name, reason(f.Err))
}

// progress shows how many sessions were read, how fast, and how long it will take: on a terminal in a line that
// changes, elsewhere in a line now and then, which a log can keep.
func (r *jobReport) progress(p ops.Progress) {
	interval := time.Minute
	if r.terminal {
		interval = 200 * time.Millisecond
	}
	if time.Since(r.shown) < interval {
		return
	}
	r.shown = time.Now()
	line := progressLine(p, r.unit)
	if !r.terminal {
		r.app.complain("%s", line)
		return
	}
	fmt.Fprintf(r.app.stderr, "\r%-*s", r.width, line)
	r.width = len(line)
}

// progressLine returns a line that fits into the 80 columns of a terminal.
func progressLine(p ops.Progress, unit string) string {
	line := thousands(p.Read) + " " + unit
	if p.Total > 0 {
		const width = 10
		share := min(float64(p.Read)/float64(p.Total), 1)
		bar := strings.Repeat("#", int(share*width))
		line = fmt.Sprintf("[%-*s] %d%% of about %s %s", width, bar, int(share*100), thousands(max(p.Total, p.Read)), unit)
	}
	line += fmt.Sprintf(", %s a second", thousands(int64(p.Rate())))
	if left, ok := p.Remaining(); ok {
		line += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return line
}

// erase removes the line of progress from the terminal.
func (r *jobReport) erase() {
	if r.width > 0 {
		fmt.Fprintf(r.app.stderr, "\r%*s\r", r.width, "")
		r.width = 0
	}
}

// counter is a line of a job's report: a number and what it counts.
type counter struct {
	name  string // in JSON and in metrics; "": it is not there
	count int64
	text  string // what the number is of, such as "sessions inserted"
}

// finish prints the counts of a job. It returns the error of the command: err is the job's.
func (r *jobReport) finish(counts []counter, err error) error {
	r.app.counts = counts
	err = r.finishWith(counts[0].count > 0, func() error { return r.print(counts, err != nil) }, err)
	isFailure := func(c counter) bool { return c.name == "failed" && c.count > 0 }
	if slices.ContainsFunc(counts, isFailure) && (err == nil || errors.As(err, new(reported))) {
		return reported{failed} // a script must not go on to the next step
	}
	return err
}

// finishWith is finish for a job whose report is more than counts. began says that there is something to print.
func (r *jobReport) finishWith(began bool, print func() error, err error) error {
	r.erase()
	if r.passed > 0 {
		r.app.complain("and %d more", r.passed)
	}
	r.hints.print()
	if err != nil && !began || errors.Is(err, errReaderGone) {
		return err // it did not begin, or nobody wants to know
	}
	if printErr := print(); err == nil {
		err = printErr
	}
	if err == nil && r.bad > 0 {
		return reported{untrusted}
	}
	return err
}

func (r *jobReport) print(counts []counter, stopped bool) error {
	if *r.flags.output == asJSON {
		object := map[string]any{"complete": !stopped, "dry_run": r.flags.dryRun}
		maps.Copy(object, r.extra)
		for _, c := range counts {
			if c.name != "" {
				object[c.name] = c.count
			}
		}
		return json.NewEncoder(r.out).Encode(object)
	}
	w := r.out
	for i, c := range counts {
		if i > 0 && c.count == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "%12s %s\n", thousands(c.count), c.text); err != nil {
			return err
		}
	}
	r.warnIfStopped(stopped)
	if !stopped && r.flags.dryRun {
		fmt.Fprintln(w, "nothing was written: it was a dry run")
	}
	return nil
}

// warnIfStopped says what a job that has ended early leaves.
func (r *jobReport) warnIfStopped(stopped bool) {
	if stopped {
		r.app.complain("stopped before the end; %s", r.stopped)
	}
}

// thousands returns a number with commas: 1,234,567.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	start := len(digits) % 3
	if start == 0 || digits[:start] == "-" {
		start += 3
	}
	text := digits[:min(start, len(digits))]
	for i := start; i < len(digits); i += 3 {
		text += "," + digits[i:i+3]
	}
	return text
}

// lossFlag is the value of --on-loss.
type lossFlag struct {
	text string
	ops.OnLoss
}

func (f *lossFlag) String() string { return f.text }
func (f *lossFlag) Type() string   { return "stop, skip or keep-opaque" }

func (f *lossFlag) Set(text string) error {
	loss, ok := map[string]ops.OnLoss{"stop": ops.StopOnLoss, "skip": ops.SkipOnLoss, "keep-opaque": ops.KeepOpaque}[text]
	if !ok {
		return errors.New("unknown choice")
	}
	f.text, f.OnLoss = text, loss
	return nil
}

func addLossFlag(cmd *cobra.Command) *lossFlag {
	f := &lossFlag{"stop", ops.StopOnLoss}
	cmd.Flags().Var(f, "on-loss", "at a value that JSON cannot hold: `stop|skip|keep-opaque`")
	return f
}
