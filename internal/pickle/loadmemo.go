package pickle

// parseMemoNumber reads what PUT and GET have.
func parseMemoNumber(s string) (uint64, bool) {
	// 19 digits fit into 64 bits, and no pickle is that long.
	if s == "" || len(s) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// A loadMemo holds objects by the numbers that PUT gave them. Its memory grows with the objects, not with the numbers.
type loadMemo struct {
	dense  []*Object // by number: Python numbers them one after the other
	sparse map[uint64]*Object
	held   int // how many numbers are in use
}

// gap is how many numbers dense may leave out: Python 2 began at 1.
const gap = 4

func (m *loadMemo) find(n uint64) *Object {
	if n < uint64(len(m.dense)) && m.dense[n] != nil {
		return m.dense[n]
	}
	return m.sparse[n]
}

func (m *loadMemo) enter(n uint64, o *Object) {
	if m.find(n) == nil {
		m.held++
	}
	if n > uint64(len(m.dense)+gap) {
		if m.sparse == nil {
			m.sparse = make(map[uint64]*Object)
		}
		m.sparse[n] = o
		return
	}
	for uint64(len(m.dense)) <= n {
		m.dense = append(m.dense, nil)
	}
	m.dense[n] = o
}

// put gives the object on top of the stack a number in the memo.
func (d *loader) put(n uint64) error {
	top, err := d.top(1)
	if err != nil {
		return err
	}
	// Python numbers from 0 on: a number needs an opcode for every one below it.
	if n >= uint64(len(d.text)) {
		return d.fail("a memo number beyond what the pickle can hold")
	}
	d.memo.enter(n, top[0])
	if d.memo.held > d.most {
		return d.tooMany()
	}
	return nil
}

// memoize is put, by the number of objects that are in the memo.
func (d *loader) memoize() error {
	return d.put(uint64(d.memo.held))
}

func (d *loader) get(n uint64) error {
	o := d.memo.find(n)
	if o == nil {
		return d.fail("a memo number that nothing has")
	}
	return d.push(o)
}
