package pickle

import "slices"

// fewObjects is up to how many objects are looked for one by one.
const fewObjects = 24

// A memo has the objects that were written, by their addresses. The zero value is empty.
type memo struct {
	count   uint32
	few     [fewObjects]*Object
	fewAt   [fewObjects]uint32
	entered int
	many    map[*Object]uint32
}

func (m *memo) find(o *Object) (uint32, bool) {
	if m.many != nil {
		n, ok := m.many[o]
		return n, ok
	}
	for i, other := range m.few[:m.entered] {
		if other == o {
			return m.fewAt[i], true
		}
	}
	return 0, false
}

// take returns the next number, and enters o under it unless o is nil.
func (m *memo) take(o *Object) uint32 {
	n := m.count
	m.count++
	switch {
	case o == nil:
	case m.many != nil:
		m.many[o] = n
	case m.entered < fewObjects:
		m.few[m.entered], m.fewAt[m.entered] = o, n
		m.entered++
	default:
		m.many = make(map[*Object]uint32, 4*fewObjects)
		for i, other := range m.few {
			m.many[other] = m.fewAt[i]
		}
		m.many[o] = n
	}
	return n
}

// forget lets o be written anew.
func (m *memo) forget(o *Object) {
	if m.many != nil {
		delete(m.many, o)
		return
	}
	if i := slices.Index(m.few[:m.entered], o); i >= 0 {
		m.few[i] = nil
	}
}

func (m *memo) clear() {
	clear(m.few[:m.entered])
	m.count, m.entered, m.many = 0, 0, nil
}
