package djangotest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// Every Django writes and reads a session on every database.
func TestMatrix(t *testing.T) {
	versions := Versions
	if testing.Short() {
		versions = Djangos()
	}
	for _, version := range versions {
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
	d := Start(t, Newest, nil)
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

// A Django has nothing of one that started before it, though both are forks of one process.
func TestForksShareNothing(t *testing.T) {
	t.Setenv("DJSESS_OF_A_TEST", "first")
	first := Start(t, Newest, Settings{"TIME_ZONE": "Asia/Tokyo", "SESSION_COOKIE_NAME": "first"})
	const what = `
		import os, time
		result = [settings.SESSION_COOKIE_NAME, os.environ.get("DJSESS_OF_A_TEST"), os.getcwd(), time.strftime("%z")]
	`
	first.Do(t, `import decimal; decimal.of_a_test = 1; from django.db import connection; migrate()`, nil, nil)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DJSESS_OF_A_TEST", "second")
	t.Chdir(dir)
	second := Start(t, Newest, Settings{"TIME_ZONE": "Asia/Kolkata"})
	var got []string
	second.Do(t, what, nil, &got)
	if want := []string{"sessionid", "second", dir, "+0530"}; !slices.Equal(got, want) {
		t.Errorf("the second has %q, want %q", got, want)
	}
	var leaked bool
	second.Do(t, `
		import decimal
		from django.db import connection
		result = hasattr(decimal, "of_a_test") or bool(connection.introspection.table_names())
	`, nil, &leaked)
	if leaked {
		t.Error("the second has a name or a table of the first")
	}
	first.Do(t, what, nil, &got)
	if got[0] != "first" || got[1] != "first" || got[2] == dir || got[3] != "+0900" {
		t.Errorf("after the second, the first has %q", got)
	}
}

func TestVectors(t *testing.T) {
	for _, version := range Releases {
		if len(Vectors(t, version)) < 100 || len(Vectors(t, version, "meta")) != 1 {
			t.Errorf("Django %s: vectors are missing", version)
		}
	}
}
