package djangotest

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// Every Django writes and reads a session on every database.
func TestMatrix(t *testing.T) {
	for _, version := range Djangos() {
		for _, database := range Databases() {
			t.Run(version+"/"+database.Kind, func(t *testing.T) {
				t.Parallel()
				d := Start(t, version, Settings{"DATABASES": database.New(t).Settings(), "USE_TZ": true})
				var got struct{ Version, Vendor, Name string }
				d.Do(t, `
					migrate()
					s = SessionStore()
					s["name"] = args["name"]
					s.save()
					from django.db import connection
					result = {
						"version": django.__version__,
						"vendor": connection.vendor,
						"name": SessionStore(s.session_key)["name"],
					}
				`, map[string]string{"name": "Zażółć 😀"}, &got)
				if !strings.HasPrefix(got.Version, version+".") || got.Name != "Zażółć 😀" {
					t.Errorf("Django %s on %s answered %+v", version, database.Kind, got)
				}
			})
		}
	}
}

func TestTry(t *testing.T) {
	d := Start(t, "5.2", nil)
	d.Do(t, `x = 1; print("noise")`, nil, nil)
	var n int
	d.Do(t, `result = x + args`, 2, &n)
	if n != 3 {
		t.Errorf("x + 2 = %d: the namespace did not last", n)
	}
	var exception *PythonError
	if err := d.Try(`1/0`, nil, nil); !errors.As(err, &exception) || !strings.HasPrefix(err.Error(), "ZeroDivisionError") {
		t.Errorf("1/0: %v", err)
	}
	if err := d.Try(`import os, sys; sys.stderr.write("last words"); sys.stderr.flush(); os._exit(3)`, nil, nil); err == nil ||
		!strings.Contains(err.Error(), "last words") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a child that ends: %v", err)
	}
	if err := d.Try(`result = 1`, nil, nil); err == nil || errors.As(err, &exception) {
		t.Errorf("a child that has ended: %v", err)
	}
}

func TestVectors(t *testing.T) {
	for _, version := range append([]string{"6.1"}, Versions...) {
		if len(Vectors(t, version)) < 100 || len(Vectors(t, version, "meta")) != 1 {
			t.Errorf("Django %s: vectors are missing", version)
		}
	}
}
