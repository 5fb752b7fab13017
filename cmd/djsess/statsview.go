package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession/ops"
)

// statsView are statistics as text and page show them.
type statsView struct {
	Store   string
	At      string
	Note    string // about a sample, or ""
	Counts  []statsCount
	Charts  []statsChart
	Tables  []statsTable
	Version string
}

// statsCount is a count of sessions.
type statsCount struct {
	Name   string
	Count  int64
	Shown  string
	Note   string // such as the share, or ""
	IsPart bool   // of the count before it
}

// statsChart is a histogram.
type statsChart struct {
	Title, Note string
	Rows        []statsBar
}

// statsBar is a bucket of a histogram.
type statsBar struct {
	Label, Count, Share string
	Length              float64 // of the bar, in percent of the longest
}

// statsTable is a list of sessions, names or users.
type statsTable struct {
	Title, Note string
	Head        []string
	Rows        [][]string
	Left        int // how many columns are text; numbers follow
}

func newStatsView(store string, s *ops.Statistics) *statsView {
	v := &statsView{Store: oneLine(store), At: timeShown(s.At), Version: moduleVersion()}
	if s.Sampled {
		v.Note = "A sample of " + thousands(s.Live+s.Expired) + " sessions"
		if s.Total > 0 {
			v.Note += " of a store with about " + thousands(s.Total) + " live ones"
		}
		v.Note += ": all counts are those of the sample."
	}
	users := "of " + counted(s.Users, "user")
	if !s.UsersExact {
		users = "of more than " + thousands(s.Users) + " users"
	}
	v.Counts = []statsCount{
		{Name: "live", Count: s.Live, Note: share(s.Live, s.Live+s.Expired)},
		{Name: "logged in", Count: s.LoggedIn, Note: share(s.LoggedIn, s.Live) + ", " + users, IsPart: true},
		{Name: "anonymous", Count: s.Anonymous, Note: share(s.Anonymous, s.Live), IsPart: true},
		{Name: "cannot be read", Count: s.Unreadable, Note: share(s.Unreadable, s.Live), IsPart: true},
		{Name: "expired, and still stored", Count: s.Expired, Note: share(s.Expired, s.Live+s.Expired)},
	}
	for i := range v.Counts {
		v.Counts[i].Shown = thousands(v.Counts[i].Count)
	}
	readable := s.Anonymous + s.LoggedIn
	size := "of the values, before they are compressed and signed"
	if readable > 0 {
		size += ": " + bytesShown(s.Bytes/readable) + " on average, " + bytesShown(s.Bytes) + " in all"
	}
	v.Charts = []statsChart{
		newChart("Size", size, s.Sizes, bytesShown),
		newChart("Time left", "until the live sessions end", s.Left, secondsShown, ops.Bucket{Below: neverEnds, Count: s.NeverEnds}, ops.Bucket{Below: notKnown, Count: s.UnknownEnd}),
		newChart("Last saved", "how long ago the live sessions were saved", s.Saved, secondsShown, ops.Bucket{Below: notKnown, Count: s.NotDated}),
		newChart("Expired", "how long ago the expired sessions have ended", s.ExpiredFor, secondsShown),
	}
	v.Charts = slices.DeleteFunc(v.Charts, func(c statsChart) bool { return len(c.Rows) == 0 })
	v.Tables = []statsTable{largestTable(s), namesTable(s), usersTable(s)}
	v.Tables = slices.DeleteFunc(v.Tables, func(t statsTable) bool { return len(t.Rows) == 0 })
	return v
}

// These stand in Bucket.Below for what has no number.
const (
	neverEnds = -1
	notKnown  = -2
)

// newChart returns a histogram without the empty buckets at both ends.
func newChart(title, note string, buckets []ops.Bucket, shown func(int64) string, more ...ops.Bucket) statsChart {
	c := statsChart{Title: title, Note: note}
	isFilled := func(b ops.Bucket) bool { return b.Count > 0 }
	all, longest := int64(0), int64(1)
	for _, b := range slices.Concat(buckets, more) {
		all, longest = all+b.Count, max(longest, b.Count)
	}
	add := func(label string, count int64) {
		length := 100 * float64(count) / float64(longest)
		if count > 0 {
			length = max(length, 0.5) // so that it can be seen
		}
		c.Rows = append(c.Rows, statsBar{label, thousands(count), share(count, all), length})
	}
	last := len(buckets) - 1
	for last >= 0 && !isFilled(buckets[last]) {
		last--
	}
	for i := max(slices.IndexFunc(buckets, isFilled), 0); i <= last; i++ {
		switch b := buckets[i]; {
		case i == 0:
			add("under "+shown(b.Below), b.Count)
		case b.Below == 0:
			add(shown(buckets[i-1].Below)+" or more", b.Count)
		default:
			add(shown(buckets[i-1].Below)+" to "+shown(b.Below), b.Count)
		}
	}
	for _, b := range more {
		if isFilled(b) {
			add(map[int64]string{neverEnds: never, notKnown: "not known"}[b.Below], b.Count)
		}
	}
	return c
}

func largestTable(s *ops.Statistics) statsTable {
	t := statsTable{Title: "Largest sessions", Head: []string{"Key", "User", "Expires", "Size", "Values"}, Left: 3}
	for _, l := range s.Largest {
		user := oneLine(l.User)
		if user == "" {
			user = "-"
		}
		t.Rows = append(t.Rows, []string{oneLine(l.Session), user, timeShown(l.Expires), bytesShown(l.Bytes), thousands(int64(l.Values))})
	}
	return t
}

func namesTable(s *ops.Statistics) statsTable {
	t := statsTable{Title: "Largest names", Note: "in all live sessions together", Head: []string{"Name", "Size", "Sessions", "Largest"}, Left: 1}
	if !s.NamesExact {
		t.Note += "; approximate, since there are very many names"
	}
	for _, n := range s.Names {
		t.Rows = append(t.Rows, []string{oneLine(n.Name), fromTo(n.Bytes-n.Excess, n.Bytes, bytesShown), thousands(n.Sessions), bytesShown(n.Largest)})
	}
	return t
}

func usersTable(s *ops.Statistics) statsTable {
	t := statsTable{Title: "Users with most live sessions", Head: []string{"User", "Sessions"}, Left: 1}
	if !s.UsersExact {
		t.Note = "approximate, since there are very many users"
	}
	for _, u := range s.TopUsers {
		t.Rows = append(t.Rows, []string{oneLine(u.ID), fromTo(u.Sessions-u.Excess, u.Sessions, thousands)})
	}
	return t
}

// fromTo shows a number that is known only to lie between two others.
func fromTo(least, most int64, shown func(int64) string) string {
	from, to := shown(least), shown(most)
	if from == to {
		return to
	}
	return from + " to " + to
}

// counted returns "1 user" or "2 users".
func counted(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return thousands(n) + " " + noun
}

// share returns a part of a whole in percent. A part that is not zero is never shown as 0%, nor one that is not all as 100%.
func share(part, whole int64) string {
	if whole == 0 {
		return "0%"
	}
	switch percent := 100 * float64(part) / float64(whole); {
	case part > 0 && percent < 1:
		return "<1%"
	case part < whole && percent > 99:
		return ">99%"
	default:
		return fmt.Sprintf("%.0f%%", percent)
	}
}

// bytesShown returns a size for people to read.
func bytesShown(n int64) string {
	const kibi = 1 << 10
	if n < kibi {
		return fmt.Sprintf("%d B", n)
	}
	size := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		size /= kibi
		if size < kibi-0.5 || unit == "TiB" {
			digits := 0
			if size < 10 && size != float64(int64(size)) {
				digits = 1
			}
			return fmt.Sprintf("%.*f %s", digits, size, unit)
		}
	}
	return ""
}

// secondsShown returns the bound of a bucket of times.
func secondsShown(seconds int64) string {
	switch d := time.Duration(seconds) * time.Second; {
	case d < day:
		return counted(int64(d/time.Hour), "hour")
	case d < 365*day:
		return counted(int64(d/day), "day")
	default:
		return counted(int64(d/(365*day)), "year")
	}
}

// print prints the statistics for people to read.
func (v *statsView) print(w io.Writer) error {
	var b strings.Builder
	if v.Note != "" {
		fmt.Fprintf(&b, "%s\n\n", v.Note)
	}
	for _, c := range v.Counts {
		indent := ""
		if c.IsPart {
			indent = "  "
		}
		fmt.Fprintf(&b, "%12s %s%s (%s)\n", c.Shown, indent, c.Name, c.Note)
	}
	for _, c := range v.Charts {
		c.print(&b)
	}
	for _, t := range v.Tables {
		t.print(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// heading prints the title of a chart or a table.
func heading(b *strings.Builder, title, note string) {
	fmt.Fprintf(b, "\n%s", title)
	if note != "" {
		fmt.Fprintf(b, " (%s)", note)
	}
	b.WriteByte('\n')
}

func (c *statsChart) print(b *strings.Builder) {
	heading(b, c.Title, c.Note)
	label, count := 0, 0
	for _, r := range c.Rows {
		label, count = max(label, len(r.Label)), max(count, len(r.Count))
	}
	for _, r := range c.Rows {
		line := fmt.Sprintf("  %-*s  %*s  %4s  %s", label, r.Label, count, r.Count, r.Share, barOf(r.Length))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// barOf returns a bar of block characters, of which the last one has eighths.
func barOf(percent float64) string {
	const width = 32 // characters
	eighths := int(percent*width*8/100 + 0.5)
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return bar
}

func (t *statsTable) print(b *strings.Builder) {
	heading(b, t.Title, t.Note)
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		line := ""
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < t.Left {
				cell += pad
			} else {
				cell = pad + cell
			}
			line += "  " + cell
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
