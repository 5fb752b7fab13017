// Onelogin is a Django site and a Go service with one login, at one address: see README.md. To learn from the service, begin
// with service.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/djsess/djsess/examples/onelogin/internal/django"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8000", "the `address` for browsers")
	data := flag.String("data", "", "the `folder` for the database, the secret key and Django itself (default .data in the example)")
	python := flag.String("python", "", "a `Python` that has Django 5.2 (default: the example installs Django in the data folder)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second ^C ends the program at once
	if err := run(ctx, *addr, *data, *python); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "onelogin:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, data, python string) error {
	home, err := findHome()
	if err != nil {
		return err
	}
	if data == "" {
		data = filepath.Join(home, ".data")
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w (use another address, such as -addr 127.0.0.1:8001)", err)
	}
	defer listener.Close()
	site, err := django.Start(ctx, django.Config{
		Folder: filepath.Join(home, "site"),
		Data:   data,
		Python: python,
		Log:    os.Stderr,
	})
	if err != nil {
		return err
	}
	defer site.Stop()

	service, err := newService(ctx, databaseURL(site.Database), site.SecretKey)
	if err != nil {
		return err
	}
	defer service.Close()
	mux := http.NewServeMux()
	mux.Handle("/go/", service.Handler())
	mux.Handle("/", newProxy(site.URL))

	fmt.Printf(`
    http://%s/

Django and Go share one login there: log in as alice, password %s
(unless you have changed it). ^C ends both. Django itself listens at %s
`, listener.Addr(), site.Password, site.URL)
	return serve(ctx, listener, mux, site)
}

// serve serves until the context or Django ends, and then lets current requests finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, site *django.Site) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case err = <-failed:
		return err
	case <-site.Ended():
		err = errors.New("the Django site has ended")
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, server.Shutdown(limited))
}

// findHome finds the example's folder if the program was started there or at the top of the checkout.
func findHome() (string, error) {
	for _, dir := range []string{".", filepath.Join("examples", "onelogin")} {
		if _, err := os.Stat(filepath.Join(dir, "site", "serve.py")); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "", errors.New("the folder examples/onelogin/site was not found: start the program in a checkout of djsess")
}
