package storeurl

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
)

func openFolder(u *storeURL, settings *djsession.Settings) (Store, error) {
	if u.user != "" || u.hasHost() {
		return nil, errors.New("a folder's URL has no host: it is file:///relative/path or file:////absolute/path")
	}
	if u.path == "" {
		return nil, errors.New("it names no folder: the site's SESSION_FILE_PATH, or else where it has its temporary files, such as file:////tmp")
	}
	c := filestore.Config{Dir: u.path, Settings: settings, Prefix: u.take("prefix"), ReadOnly: u.readOnly}
	for _, name := range slices.Sorted(maps.Keys(u.options)) {
		return nil, fmt.Errorf("unknown option %q: there is prefix", name)
	}
	store, err := filestore.New(c)
	if err != nil {
		return nil, err // and not a nil *filestore.Store
	}
	return store, nil
}
