package djsession_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sitefile"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// settingsFile writes a settings file and returns its path.
func settingsFile(t *testing.T, django string, site sitefile.Settings) string {
	t.Helper()
	data, err := json.Marshal(sitefile.File{Format: sitefile.Format, Django: django, Site: site})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "djsess-settings.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettingsFromFile(t *testing.T) {
	site := sitefile.Settings{
		TimeZone: "Europe/Warsaw", SessionSerializer: "django.contrib.sessions.serializers.PickleSerializer", SessionStoreClass: "SessionStore",
		SessionCookieAge: 60, SessionCookieName: "s", SessionCookiePath: "/p", SessionCookieSecure: true, SessionExpireAtBrowserClose: true,
		DefaultHashingAlgorithm: "sha1",
	}
	s, err := djsession.SettingsFromFile(settingsFile(t, "3.2.25", site), "key")
	if err != nil {
		t.Fatal(err)
	}
	want, err := djsession.NewSettings("3.2.25", "key")
	if err != nil {
		t.Fatal(err)
	}
	want.UseTZ, want.TimeZone, want.SessionSerializer = false, "Europe/Warsaw", djsession.PickleSerializer{}
	want.SessionCookieAge, want.SessionCookieName, want.SessionCookiePath = 60e9, "s", "/p"
	want.SessionCookieSecure, want.SessionCookieHTTPOnly, want.SessionCookieSameSite = true, false, ""
	want.SessionExpireAtBrowserClose, want.DefaultHashingAlgorithm, want.DefaultsConfirmed = true, "sha1", true
	if have, want := withoutClock(s), withoutClock(want); !reflect.DeepEqual(have, want) {
		type shown djsession.Settings // without the methods that hide the keys
		t.Errorf("got %+v\nwant %+v", shown(have), shown(want))
	}

	// A serializer of the site's own is an error of each session until the program sets one.
	site.SessionSerializer = "shop.sessions.Serializer"
	path := settingsFile(t, "3.2.25", site)
	if s, err = djsession.SettingsFromFile(path, "key"); err != nil {
		t.Fatal(err)
	}
	_, err = newStore(t, s).Create(t.Context(), "", fixture.Values(t, `{"a":1}`), djsession.Never)
	if err == nil || !strings.Contains(err.Error(), `SESSION_SERIALIZER "shop.sessions.Serializer" is the site's own: set Settings.SessionSerializer`) {
		t.Error(err)
	}
	if _, err := djsession.SettingsFromFile(path, ""); err == nil {
		t.Error("no SECRET_KEY is taken")
	}
}
