package pickle

// setProto is PROTO. Python takes it anywhere, and any opcode under any protocol.
func (d *loader) setProto() error {
	proto, err := d.uint(1)
	if err != nil {
		return err
	}
	if proto > HighestProtocol {
		return d.fail("a protocol beyond 5")
	}
	d.proto = int(proto)
	return nil
}

// frame is a promise of Python's pickler that so many bytes follow. Its unpickler in C checks only that.
func (d *loader) frame() error {
	size, err := d.uint(8)
	if err != nil {
		return err
	}
	if size > uint64(len(d.text)-d.i) {
		return d.truncated()
	}
	return nil
}
