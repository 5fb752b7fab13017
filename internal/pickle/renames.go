package pickle

import (
	"strings"
	"sync"
)

// Python 3 takes names in pickles below protocol 3 for those of Python 2, and writes such pickles with them
// (fix_imports).

// renaming maps the Text of Globals, and modules by themselves.
type renaming struct{ names, modules map[string]string }

var (
	python2to3 = sync.OnceValue(func() renaming {
		r := newRenaming(false)
		r.add(r.names, mergedNames, false)
		r.add(r.modules, mergedModules, false)
		return r
	})
	python3to2 = sync.OnceValue(func() renaming { return newRenaming(true) })
)

func newRenaming(back bool) renaming {
	r := renaming{map[string]string{}, map[string]string{}}
	r.add(r.modules, renamedModules, back)
	r.add(r.names, renamedNames, back)
	for _, class := range strings.Fields(movedExceptions) {
		r.add(r.names, "exceptions:"+class+" builtins:"+class, back)
	}
	for _, class := range strings.Fields(movedProcessErrors) {
		r.add(r.names, "multiprocessing:"+class+" multiprocessing.context:"+class, back)
	}
	return r
}

func (r renaming) add(to map[string]string, pairs string, back bool) {
	words := strings.Fields(pairs)
	for i := 0; i+1 < len(words); i += 2 {
		from, into := strings.Replace(words[i], ":", "\n", 1), strings.Replace(words[i+1], ":", "\n", 1)
		if back {
			from, into = into, from
		}
		to[from] = into
	}
}

// apply returns the other Python's name for the Text of a Global.
func (r renaming) apply(text string) string {
	if renamed, ok := r.names[text]; ok {
		return renamed
	}
	module, name, _ := strings.Cut(text, "\n")
	if renamed, ok := r.modules[module]; ok {
		return renamed + "\n" + name
	}
	return text
}

func fromPython2(text string) string { return python2to3().apply(text) }

// toPython2 returns the name under which Python 3 finds text again, or that there is none: a site's own module that
// is called like one of Python 2 cannot be named below protocol 3.
func toPython2(text string) (string, bool) {
	if renamed := python3to2().apply(text); fromPython2(renamed) == text {
		return renamed, true
	}
	return text, fromPython2(text) == text
}
