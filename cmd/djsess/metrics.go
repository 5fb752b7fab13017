package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// metricsFlag is the name of the flag of the long jobs that names a file of metrics.
const metricsFlag = "metrics-file"

func addMetricsFlag(cmd *cobra.Command) {
	cmd.Flags().String(metricsFlag, "", "write how the job went to `FILE`, a NAME.prom for the textfile collector of Prometheus's node_exporter")
}

// measureJobs has each command that has the flag write its metrics.
func (a *app) measureJobs(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.Flags().Lookup(metricsFlag) != nil {
			cmd.RunE = a.measured(cmd.RunE)
		}
	}
}

// measured returns a command that writes its metrics, also if it fails.
func (a *app) measured(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		flag := cmd.Flags().Lookup(metricsFlag)
		if !flag.Changed {
			return run(cmd, args)
		}
		file := &wholeFile{path: flag.Value.String(), force: true, begin: metricsBegin}
		if file.path == "" || file.path == standardStream {
			return usagef(cmd, "--%s: want the name of a file", metricsFlag)
		}
		if filepath.Ext(file.path) != ".prom" {
			return usagef(cmd, "--%s: want a name that ends in .prom: node_exporter reads no other file", metricsFlag)
		}
		if err := file.probe(); err != nil { // now, and not after a job of hours
			return configf("--%s: %w", metricsFlag, err)
		}
		m := &metrics{command: cmd.Name(), name: metricsName(file.path), began: a.now()}
		if f := cmd.Flags().Lookup("dry-run"); f != nil {
			m.dryRun = f.Value.String() == "true"
		}
		err := run(cmd, args)
		m.ended, m.counts = a.now(), a.counts
		m.status, _ = explain(err)
		if writeErr := file.write(m); writeErr != nil {
			writeErr = fmt.Errorf("--%s: %w", metricsFlag, writeErr)
			if err == nil {
				return writeErr
			}
			a.complain("%s", message(writeErr))
		}
		return err
	}
}

// probe returns an error if the file cannot be written.
func (f *wholeFile) probe() error {
	if err := f.check(); err != nil {
		return err
	}
	err := f.create()
	f.abandon()
	return err
}

// write writes the metrics, which all users may read: node_exporter is another one.
func (f *wholeFile) write(m *metrics) error {
	if err := f.create(); err != nil {
		return err
	}
	defer f.abandon()
	if _, err := m.WriteTo(f.temporary); err != nil {
		return err
	}
	if err := f.temporary.Chmod(0o644); err != nil {
		return err
	}
	return f.commit()
}

// metricsName is the name of a file without its folder and its end. Two files of one folder cannot have
// the same, so that they cannot have the same series either, which node_exporter refuses.
func metricsName(path string) string {
	return strings.TrimSuffix(filepath.Base(path), ".prom")
}

// metrics is how a job went.
type metrics struct {
	command      string
	name         string
	dryRun       bool
	status       int
	began, ended time.Time
	counts       []counter // none if the job did not begin
}

// metricsBegin is how a file of metrics begins.
const metricsBegin = "# HELP djsess_job_"

// WriteTo writes the metrics in the text format of Prometheus.
func (m *metrics) WriteTo(w io.Writer) (int64, error) {
	labels := fmt.Sprintf(`command="%s",name="%s"`, labelValue(m.command), labelValue(m.name))
	if m.dryRun {
		labels += `,dry_run="true"`
	}
	var b strings.Builder
	family := func(name, help string) {
		fmt.Fprintf(&b, metricsBegin+"%s %s\n# TYPE djsess_job_%[1]s gauge\n", name, help)
	}
	one := func(name, help string, value float64) {
		family(name, help)
		fmt.Fprintf(&b, "djsess_job_%s{%s} %s\n", name, labels, strconv.FormatFloat(value, 'f', -1, 64))
	}
	success := 0.0
	if m.status == done {
		success = 1
	}
	one("success", "Whether the last run ended with exit status 0.", success)
	one("exit_status", "The exit status of the last run.", float64(m.status))
	one("last_run_timestamp_seconds", "When the last run ended.", float64(m.ended.UnixMilli())/1000)
	one("duration_seconds", "How long the last run took.", m.ended.Sub(m.began).Seconds())
	if len(m.counts) > 0 {
		family("sessions", "How many sessions the last run read, wrote or left, by the result.")
	}
	for _, c := range m.counts {
		if c.name != "" {
			fmt.Fprintf(&b, "djsess_job_sessions{%s,result=\"%s\"} %d\n", labels, labelValue(c.name), c.count)
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// labelValue escapes the value of a label.
func labelValue(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(text, "�"))
}
