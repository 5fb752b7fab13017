package djsession

import (
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/sniff"
)

// PickleSerializer is django.contrib.sessions.serializers.PickleSerializer, which Django had
// up to 4.2. Django's caches pickle their values too. A pickle is read as data: nothing in it
// is ever run.
//
// An unchanged session is written byte for byte as it was read. In a changed session the
// unchanged values stay the same objects to Python, including shared objects and objects that
// hold themselves.
type PickleSerializer struct {
	// Protocol is the protocol to write, from 1 to 5. Default: 4, which every Python since 3.4
	// reads. A session that was read in a higher protocol keeps it.
	Protocol int
}

// PickleSerializer returns a serializer whose pickles can be read by every Python that the
// site's release of Django supports.
func (s *Settings) PickleSerializer() PickleSerializer {
	if s.AtLeast(4, 0) {
		return PickleSerializer{Protocol: 5}
	}
	return PickleSerializer{Protocol: 4}
}

const defaultProtocol = 4

// Append writes a pickle as Python does.
func (s PickleSerializer) Append(dst []byte, v *Values) ([]byte, error) {
	protocol := s.Protocol
	if protocol == 0 {
		protocol = defaultProtocol
	}
	if p := v.python; p != nil {
		if p.pickle != "" {
			return append(dst, p.pickle...), nil
		}
		protocol = max(protocol, p.proto)
	}
	dict, err := v.pythonDict()
	if err != nil {
		return dst, err
	}
	out, err := pickle.Append(dst, dict, protocol)
	if err != nil {
		return dst, fmt.Errorf("pickle the session: %w", err)
	}
	return out, nil
}

// Parse reads a pickle of any protocol. Data that is not the pickle of a dict is an ErrMalformed
// that says what it seems to be. A pickle can refer to one object many times. If its values, written
// out, are far larger than the pickle, the error is an ErrTooLarge. Time and memory are in
// proportion to the length. The worst pickle of 32 MiB, the default of MaxPayloadSize, takes a
// second or two of one processor, so Parse takes no context.
func (s PickleSerializer) Parse(data []byte) (*Values, error) {
	text := string(data)
	dict, err := pickle.LoadText(text, pickle.Limits{})
	if err != nil {
		if errors.Is(err, pickle.ErrTooLarge) {
			return nil, fmt.Errorf("pickled session: %w: %w", ErrTooLarge, err)
		}
		if found := sniff.Name(data); found != "a pickle" {
			err = fmt.Errorf("%s in place of a pickled dict: %w", found, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	v, err := valuesOf(dict, max(minWritten, len(data)+min(15*min(len(data), maxGrowth), maxGrowth)))
	if err != nil {
		return nil, err
	}
	v.python.pickle, v.python.proto = text, pickle.Protocol(data)
	return v, nil
}

// These limits, in bytes, bound what the values of a pickle take when they are written out:
// 16 times the pickle, and at least minWritten, but no more than maxGrowth above its length.
// A pickle can refer to one object over and over.
const (
	minWritten = 4 << 20
	maxGrowth  = 32 << 20
)
