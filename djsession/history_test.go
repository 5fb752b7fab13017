package djsession_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// version is one state of the contested session.
type version struct {
	id, parent string // parent is the version that this one was made from
	holds      string // JSON
}

func newVersion(t *testing.T, holds string) version {
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(holds); err != nil {
		t.Errorf("%s: %v", holds, err)
	}
	return version{v.GetString("id"), v.GetString("parent"), holds}
}

// writer returns the name of the version's writer.
func (v version) writer() string {
	name, _, _ := strings.Cut(v.id, "/")
	return name
}

func (v version) side() string { return strings.TrimRight(v.writer(), "0123456789") }

// after returns the version that this version's writer must make from another version.
func (v version) after(t *testing.T, before version) string {
	t.Helper()
	_, number, _ := strings.Cut(v.id, "/")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	values := fixture.Values(t, before.holds)
	if err := update(v.writer(), n)(values); err != nil {
		t.Fatal(err)
	}
	text, err := values.AppendPythonJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// updatesByGo returns how many updates by Go the version holds.
func (v version) updatesByGo(t *testing.T) (sum int) {
	t.Helper()
	values := fixture.Values(t, v.holds)
	for i := range goWriters {
		n := 0
		if err := values.Get(writer(byGo, i), &n); err != nil && !errors.Is(err, djsession.ErrNoValue) {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// history is everything that was stored.
type history struct {
	versions []version // in order; the first version was stored before the writers began
	said     reports

	// overwritten is how many versions of a side replaced a version that they were not made from, so
	// that its change is lost.
	overwritten map[string]int
	atLeast     string // "at least " if the order of the versions is not known
}

func (c *contested) newHistory(t *testing.T, said reports) *history {
	t.Helper()
	h := &history{said: said, overwritten: map[string]int{}}
	stored := c.history(t, said)
	if stored == nil {
		h.countForks()
		return h
	}
	h.versions = append([]version{c.start}, stored...)
	for i, v := range h.versions[1:] {
		if v.parent != h.versions[i].id {
			h.overwritten[v.side()]++
		}
	}
	return h
}

// follow makes a history from the ids of Django's versions, in the order in which they were stored.
// For each version of Go's the id is empty: that must be the version which was made from the
// version before it. If Go overwrites, that need not hold, and there is no history.
func follow(t *testing.T, c *contested, said reports, ids []string) (versions []version) {
	t.Helper()
	byID, madeFrom := map[string]version{}, map[string]version{}
	for _, v := range said.django {
		byID[v.id] = v
	}
	for _, v := range said.golang {
		madeFrom[v.parent] = v
	}
	current := c.start
	for _, id := range ids {
		switch {
		case id != "":
			said.followed[current.id] = true
			current = byID[id]
		case said.overwrite:
			current = version{}
		default:
			next, ok := madeFrom[current.id]
			if !ok {
				t.Errorf("Go replaced %s by a version that was not made from it", current.id)
				continue
			}
			delete(madeFrom, current.id)
			current = next
		}
		versions = append(versions, current)
	}
	if said.overwrite {
		return nil
	}
	return versions
}

// countForks counts the versions of Go's that cannot have replaced their parent: another version
// has replaced it, which has the same parent or is Django's.
func (h *history) countForks() {
	h.atLeast = "at least "
	for _, v := range h.said.golang {
		if h.said.followed[v.parent] {
			h.overwritten[byGo]++
		}
		h.said.followed[v.parent] = true
	}
}

func (h *history) String() string {
	text := fmt.Sprintf("%d updates by Go and %d by Django; %s%d of Go's overwrote what they had not read",
		len(h.said.golang), len(h.said.django), h.atLeast, h.overwritten[byGo])
	if h.versions != nil {
		text += fmt.Sprintf(", and %d of Django's", h.overwritten[byDjango])
	}
	return text
}

// check checks that Go lost no write.
func (h *history) check(t *testing.T) {
	t.Helper()
	byID := map[string]version{h.versions[0].id: h.versions[0]}
	for i, v := range h.versions[1:] {
		before := h.versions[i]
		if _, twice := byID[v.id]; twice {
			t.Errorf("version %s was stored twice", v.id)
		}
		byID[v.id] = v
		if v.side() == byDjango { // Django saves the session as it read it at any time before
			before = byID[v.parent]
		}
		if want := v.after(t, before); v.holds != want {
			t.Errorf("version %s, stored after %s, is\n%s, want\n%s", v.id, h.versions[i].id, v.holds, want)
		}
	}
	h.checkReports(t, byID)

	if h.overwritten[byGo] > 0 {
		t.Errorf("Go overwrote %d versions that it had not read", h.overwritten[byGo])
	}

	// All updates by Go are there, except for those that Django overwrote.
	dropped := 0
	for i, v := range h.versions[1:] {
		if v.side() == byDjango {
			dropped += h.versions[i].updatesByGo(t) - v.updatesByGo(t)
		}
	}
	if left := h.versions[len(h.versions)-1].updatesByGo(t); left != len(h.said.golang)-dropped {
		t.Errorf("%d updates by Go are left of %d, and Django overwrote %d", left, len(h.said.golang), dropped)
	}
}

// checkReports checks that the stored versions are those that the writers report.
func (h *history) checkReports(t *testing.T, byID map[string]version) {
	t.Helper()
	said := append(append([]version{h.versions[0]}, h.said.golang...), h.said.django...)
	for _, v := range said {
		if stored, ok := byID[v.id]; !ok || stored != v {
			t.Errorf("version %s was reported as\n%s, and stored as\n%s", v.id, v.holds, stored.holds)
		}
		delete(byID, v.id)
	}
	for id := range byID {
		t.Errorf("version %s was stored, and no writer reports it", id)
	}
}
