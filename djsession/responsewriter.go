package djsession

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
)

// responseState is how far a response is.
type responseState int

const (
	open      responseState = iota // nothing was sent
	begun                          // the session was saved, the handler's response goes out
	answering                      // the session was not saved, the ErrorHandler is about to answer
	answered                       // and has begun to
	replaced                       // it has answered: what the handler writes is lost
)

// responseWriter commits the session before the first byte.
type responseWriter struct {
	http.ResponseWriter
	x      *exchange
	state  responseState
	failed error // why the response was replaced
}

// Unwrap is for http.ResponseController.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// begin is called before anything is sent, with the status it is sent with. Its
// error is that of writing to a response that was replaced.
func (w *responseWriter) begin(status int) error {
	switch w.state {
	case open:
		w.state = begun
		if err := w.x.commit(status); err != nil {
			w.x.replaceResponse(err)
			return w.begin(status)
		}
	case answering:
		w.state = answered
	case replaced:
		return fmt.Errorf("djsession: the session was not saved, and the response replaced: %w", w.failed)
	}
	return nil
}

func (w *responseWriter) WriteHeader(status int) {
	// 101 is final, though it is in the range of the informational ones.
	if informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols; informational {
		if w.state != replaced {
			w.ResponseWriter.WriteHeader(status)
		}
		return
	}
	if w.begin(status) == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// WriteString is for io.WriteString.
func (w *responseWriter) WriteString(s string) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom keeps sendfile for io.Copy.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return io.Copy(w.ResponseWriter, src) // which finds its ReadFrom, if it has one
}

// Flush is http.Flusher.
func (w *responseWriter) Flush() { w.FlushError() }

// FlushError is for http.ResponseController.
func (w *responseWriter) FlushError() error {
	if err := w.begin(http.StatusOK); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack is http.Hijacker.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.state == replaced {
		return nil, nil, w.begin(http.StatusOK)
	}
	if w.state == open {
		if err := w.x.hijack(); err != nil {
			return nil, nil, err
		}
	}
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.state = begun
		w.x.close()
	}
	return conn, buffered, err
}

// Push is http.Pusher.
func (w *responseWriter) Push(target string, options *http.PushOptions) error {
	if pusher, ok := w.ResponseWriter.(http.Pusher); ok {
		return pusher.Push(target, options)
	}
	return http.ErrNotSupported
}
