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
	for int(n) >= len(d.memo) {
		d.memo = append(d.memo, nil)
	}
	if d.memo[n] == nil {
		d.held++
	}
	d.memo[n] = top[0]
	return nil
}

// memoize is put, by the number of objects that are in the memo.
func (d *loader) memoize() error {
	return d.put(uint64(d.held))
}

func (d *loader) get(n uint64) error {
	if n >= uint64(len(d.memo)) || d.memo[n] == nil {
		return d.fail("a memo number that nothing has")
	}
	return d.push(d.memo[n])
}
