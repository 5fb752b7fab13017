package pickle

import "encoding/binary"

// From protocol 4 on a pickle is cut into frames, so that a reader of a stream can take it in large pieces. Python ends a frame
// before the first object that begins beyond frameSize, leaves the header off where hardly anything is in it, and
// keeps what is as large as a frame outside.
const (
	frameSize   = 64 << 10
	frameHeader = 9
	frameLeast  = 4
)

func (a *appender) startFrame() {
	if a.proto < 4 {
		return
	}
	a.frame = len(a.buf)
	a.buf = append(a.buf, opFrame, 0, 0, 0, 0, 0, 0, 0, 0)
}

func (a *appender) endFrame() {
	if a.frame < 0 {
		return
	}
	content := a.buf[a.frame+frameHeader:]
	if len(content) < frameLeast {
		a.buf = append(a.buf[:a.frame], content...)
	} else {
		binary.LittleEndian.PutUint64(a.buf[a.frame+1:], uint64(len(content)))
	}
	a.frame = -1
}

// betweenFrames is called where a new object begins.
func (a *appender) betweenFrames() {
	if a.frame >= 0 && len(a.buf)-a.frame-frameHeader >= frameSize {
		a.endFrame()
		a.startFrame()
	}
}

// payload appends an opcode with its length, both in header, and the content.
func (a *appender) payload(content string, header ...byte) {
	if len(content) < frameSize || a.frame < 0 {
		a.buf = append(append(a.buf, header...), content...)
		return
	}
	a.endFrame()
	a.buf = append(append(a.buf, header...), content...)
	a.startFrame()
}

// sized is payload for the opcode of content whose length takes 1, 4 or 8 bytes.
func (a *appender) sized(op byte, width int, content string) {
	var header [frameHeader]byte
	header[0] = op
	binary.LittleEndian.PutUint64(header[1:], uint64(len(content)))
	a.payload(content, header[:1+width]...)
}
