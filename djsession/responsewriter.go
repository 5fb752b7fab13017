package djsession

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
)

// responseState is the progress of a response.
type responseState int

const (
	open      responseState = iota // nothing was sent
	begun                          // the session was saved, and the handler's response is sent
	answering                      // the session was not saved, and the ErrorHandler was called
	answered                       // the response of the ErrorHandler is sent
	replaced                       // the ErrorHandler has returned: the handler's writes are errors
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

// begin is called before anything is sent, with the status. It returns an error if the
// handler writes to a response that was replaced.
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
	// 101 is in the range of the informational statuses, but final.
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

// ReadFrom lets io.Copy use sendfile.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return io.Copy(w.ResponseWriter, src) // uses the ReadFrom of the ResponseWriter, if it has one
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

// replaceResponse calls the ErrorHandler in place of a response that must not be sent. Only
// the headers that were set before the handler stay.
func (x *exchange) replaceResponse(err error) {
	header := x.w.Header()
	clear(header)
	for _, lines := range x.outerHeader {
		header[lines.name] = lines.values
	}
	x.replaceStaleCookie()
	x.w.state = answering
	x.serveError(&x.w, x.inner, err)
	if x.w.state == answering {
		x.w.ResponseWriter.WriteHeader(http.StatusInternalServerError)
	}
	x.w.state, x.w.failed = replaced, err
}
