package djsession_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// Go moves a site's sessions from pickles to JSON and back, one by one, as it changes them.
func TestSerializersWithDjango(t *testing.T) {
	const version, jsonSerializer = "4.2", "django.contrib.sessions.serializers.JSONSerializer"
	db := djangotest.SQLite(t)
	django := djangotest.Start(t, version, djangotest.Settings{"DATABASES": db.Settings(), "SESSION_SERIALIZER": pickleSerializer, "USE_TZ": true})
	django.Do(t, `migrate()`, nil, nil)
	django.Do(t, `
		from django.test.utils import override_settings
		def stored(values, serializer):
			with override_settings(SESSION_SERIALIZER=serializer):
				s = SessionStore()
				s.update(values)
				s.save()
				return s.session_key
		def read(key, serializer):
			with override_settings(SESSION_SERIALIZER=serializer):
				return repr(list(SessionStore(key).items()))
		def data(key):
			return Session.objects.get(session_key=key).session_data
	`, nil, nil)
	for _, c := range []struct {
		name, from, to string
		serializers    djsession.Serializers
		values, want   string
	}{
		{"to JSON", pickleSerializer, jsonSerializer, djsession.Serializers{djsession.JSONSerializer{}, djsession.PickleSerializer{}},
			`{"name": "Zo\u00eb", "cart": (1, 2.0)}`, `[('name', 'Zoë'), ('cart', [1, 2.0]), ('seen', 1)]`},
		{"to pickles", jsonSerializer, pickleSerializer, djsession.Serializers{djsession.PickleSerializer{}, djsession.JSONSerializer{}},
			`{"name": "Zo\u00eb", "cart": [1, 2.0]}`, `[('name', 'Zoë'), ('cart', [1, 2.0]), ('seen', 1)]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings, err := djsession.NewSettings(version, djangotest.SecretKey)
			if err != nil {
				t.Fatal(err)
			}
			settings.UseTZ, settings.SessionSerializer = true, c.serializers
			store, err := storeurl.Open(db.URL, settings)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			var key, items string
			django.Do(t, `result = stored(`+c.values+`, args)`, c.from, &key)
			for range 2 { // the second time it reads what it wrote itself
				if _, err := djsession.Update(t.Context(), store, key, edit.Set("seen", 1)); err != nil {
					t.Fatal(err)
				}
				if django.Do(t, `result = read(*args)`, []string{key, c.to}, &items); items != c.want {
					t.Errorf("Django reads %s, want %s", items, c.want)
				}
			}
		})
	}

	t.Run("a datetime", func(t *testing.T) {
		settings, err := djsession.NewSettings(version, djangotest.SecretKey)
		if err != nil {
			t.Fatal(err)
		}
		settings.UseTZ, settings.SessionSerializer = true, djsession.Serializers{djsession.JSONSerializer{}, djsession.PickleSerializer{}}
		store, err := storeurl.Open(db.URL, settings)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		var key, before, after string
		django.Do(t, `result = stored({"at": timezone.now()}, args)`, pickleSerializer, &key)
		django.Do(t, `result = data(args)`, key, &before)
		if _, err := djsession.Update(t.Context(), store, key, edit.Set("seen", 1)); !errors.Is(err, djsession.ErrOpaque) {
			t.Errorf("JSON of a datetime: %v", err)
		}
		if django.Do(t, `result = data(args)`, key, &after); after != before {
			t.Error("the session was changed")
		}
		if _, err := djsession.Update(t.Context(), store, key, edit.Delete("at")); err != nil {
			t.Errorf("without the datetime: %v", err)
		}
	})
}

// If none of the serializers reads a payload, the error has the reasons of all.
func TestSerializersError(t *testing.T) {
	both := djsession.Serializers{djsession.JSONSerializer{}, djsession.PickleSerializer{}}
	_, err := both.Parse([]byte(`{"a":`))
	if !errors.Is(err, djsession.ErrMalformed) || !strings.Contains(err.Error(), "unexpected end") || !strings.Contains(err.Error(), "in place of a pickled dict") {
		t.Error(err)
	}
	for name, bad := range map[string]djsession.Serializers{"none": {}, "nil": {djsession.JSONSerializer{}, nil}} {
		settings, err := djsession.NewSettings("5.2", "secret")
		if err != nil {
			t.Fatal(err)
		}
		settings.SessionSerializer = bad
		if _, err := djsession.NewCodec(settings); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// PayloadError.Content says what the serializer could not read.
func TestPayloadContent(t *testing.T) {
	codec := func(serializer djsession.Serializer) djsession.Codec {
		settings := mustSettings(t)
		settings.SessionSerializer = serializer
		codec, err := djsession.NewCodec(settings)
		if err != nil {
			t.Fatal(err)
		}
		return codec
	}
	asJSON, asPickle := codec(djsession.JSONSerializer{}), codec(djsession.PickleSerializer{})
	for _, c := range []struct {
		write, read   djsession.Codec
		content, text string
	}{
		{asPickle, asJSON, "a pickle", "a pickle in place of a JSON object"},
		{asJSON, asPickle, "a JSON object", "a JSON object in place of a pickled dict"},
	} {
		payload, err := c.write.Append(nil, fixture.Values(t, `{"a":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		var bad *djsession.PayloadError
		if _, _, err := c.read.Decode(payload); !errors.As(err, &bad) || bad.Content != c.content || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: content %q, want %q", err, bad.Content, c.content)
		}
	}
}

// In Django 3.1 and 3.2, which read two forms, the reason why a payload is bad is about its own
// form.
func TestLegacyReason(t *testing.T) {
	settings, other := mustSettings(t), mustSettings(t)
	settings.DjangoVersion, other.DjangoVersion = "3.2", "3.2"
	other.SecretKey = "another"
	legacy, err := djsession.NewLegacyCodec(settings)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := legacy.Append(nil, fixture.Values(t, `{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := djsession.NewCodec(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, origin, err := codec.Decode(payload); err == nil || strings.Contains(err.Error(), "separator") || origin.Form != djsession.Legacy {
		t.Errorf("form %q, %v", origin.Form, err)
	}
}
