package djangotest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Releases are the Django releases that wrote testdata/django-*, oldest first.
var Releases = []string{"2.2", "3.2", "4.2", "5.2", "6.0", "6.1"}

// Versions are the Django releases that Start can run, oldest first: Releases without those that testdata/install has left
// out because this machine has no Python for them.
var Versions = slices.DeleteFunc(slices.Clone(Releases), passedOver)

// Newest is the newest of Versions. A test that needs any one Django starts this one.
var Newest = Versions[len(Versions)-1]

// Since returns those of Versions that are this release or a later one.
func Since(release string) []string {
	return slices.DeleteFunc(slices.Clone(Versions), func(version string) bool { return !AtLeast(version, release) })
}

// AtLeast reports whether a version, such as "5.2", is this release or a later one.
func AtLeast(version, release string) bool {
	have, want := numbers(version), numbers(release)
	return slices.Compare(have[:], want[:]) >= 0
}

func numbers(version string) (n [2]int) {
	if _, err := fmt.Sscanf(version, "%d.%d", &n[0], &n[1]); err != nil {
		panic(fmt.Sprintf("djangotest: %q is no release of Django: %v", version, err))
	}
	return n
}

// passedOver reports whether testdata/install left this Django out.
func passedOver(version string) bool {
	dir, err := peers()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(dir, "django-"+version+".passed-over"))
	return err == nil
}
