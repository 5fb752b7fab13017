package djauth_test

import (
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Each case is done to two sessions of a user who logged in at Django. Django is
// asked about the one and Go about the other, and both must come to the same user.
// Go leaves the cookie and the row as they are, and Django, when it is asked after Go,
// does with them what it did with the first.
var userCases = []struct {
	name     string
	code     string               // changes what is stored; name and key are the user's and the session's
	settings string               // changes Django
	set      func(a *djauth.Auth) // changes the Go service alike
	want     string               // user, and fate of cookie and row in Django; R: Django may raise, and Go knows nobody
	silent   bool                 // the session names nobody, so that nobody is refused
}{
	{name: "logged in", want: "user untouched"},
	{name: "other values", code: `change(key, cart=[1.0])`, want: "user untouched"},
	{name: "password changed", code: `User.objects.filter(username=name).update(password="md5$other")`, want: "nobody flushed"},
	{name: "deactivated", code: `User.objects.filter(username=name).update(is_active=False)`, want: "nobody untouched"},
	{name: "deleted user", code: `User.objects.filter(username=name).delete()`, want: "nobody untouched"},
	{
		name:     "backend removed",
		settings: `settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]`,
		set:      func(a *djauth.Auth) { a.AuthenticationBackends = []string{djauth.RemoteUserBackend} },
		want:     "nobody untouched",
	},
	{name: "backend unlisted", code: `change(key, _auth_user_backend="django.contrib.auth.backends.RemoteUserBackend")`, want: "nobody untouched"},
	{name: "backend missing", code: `change(key, _auth_user_backend=Ellipsis)`, want: "nobody untouched"},
	{name: "backend null", code: `change(key, _auth_user_backend=None)`, want: "nobody untouched"},
	{name: "backend 1", code: `change(key, _auth_user_backend=1)`, want: "nobody untouched"},
	{
		name:     "inactive, and all are allowed",
		code:     `User.objects.filter(username=name).update(is_active=False); change(key, _auth_user_backend=ALLOW)`,
		settings: `ALLOW = "django.contrib.auth.backends.AllowAllUsersModelBackend"; settings.AUTHENTICATION_BACKENDS = [ALLOW]`,
		set:      func(a *djauth.Auth) { a.AuthenticationBackends = []string{djauth.AllowAllUsersModelBackend} },
		want:     "user untouched",
	},
	{
		name:     "inactive, and all remote ones are allowed",
		code:     `User.objects.filter(username=name).update(is_active=False); change(key, _auth_user_backend=ALLOW)`,
		settings: `ALLOW = "django.contrib.auth.backends.AllowAllUsersRemoteUserBackend"; settings.AUTHENTICATION_BACKENDS = [MODEL_BACKEND, ALLOW]`,
		set: func(a *djauth.Auth) {
			a.AuthenticationBackends = []string{djauth.ModelBackend, djauth.AllowAllUsersRemoteUserBackend}
		},
		want: "user untouched",
	},

	{name: "hash missing", code: `change(key, _auth_user_hash=Ellipsis)`, want: "nobody flushed"},
	{name: "hash empty", code: `change(key, _auth_user_hash="")`, want: "nobody flushed"},
	{name: "hash null", code: `change(key, _auth_user_hash=None)`, want: "nobody flushed"},
	{name: "hash a number", code: `change(key, _auth_user_hash=17)`, want: "nobody flushed"},
	{name: "hash of another user", code: `change(key, _auth_user_hash=make_user(name + key).get_session_auth_hash())`, want: "nobody flushed"},
	{name: "hash in capitals", code: `change(key, _auth_user_hash=find(name).get_session_auth_hash().upper())`, want: "nobody flushed"},
	{name: "hash cut", code: `change(key, _auth_user_hash=find(name).get_session_auth_hash()[:-1])`, want: "nobody flushed"},
	{name: "hash of another secret", code: `
		from django.utils.crypto import salted_hmac
		salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
		change(key, _auth_user_hash=salted_hmac(salt, find(name).password, secret="other").hexdigest())
	`, want: "nobody flushed"},

	{name: "id missing", code: `change(key, _auth_user_id=Ellipsis)`, want: "nobody untouched", silent: true},
	{name: "id null", code: `change(key, _auth_user_id=None)`, want: "nobody untouched"},
	{name: "id a number", code: `change(key, _auth_user_id=find(name).pk)`, want: "user untouched"},
	{name: "id a float", code: `change(key, _auth_user_id=find(name).pk + 0.5)`, want: "user untouched"},
	{name: "id with spaces", code: `change(key, _auth_user_id=" %d\t" % find(name).pk)`, want: "user untouched"},
	{name: "id with a sign and zeros", code: `change(key, _auth_user_id="+0_0%d" % find(name).pk)`, want: "user untouched"},
	{name: "id of nobody", code: `change(key, _auth_user_id="999999")`, want: "nobody untouched"},
	{name: "id negative", code: `change(key, _auth_user_id="-1")`, want: "nobody untouched"},
	{name: "id over 32 bits", code: `change(key, _auth_user_id=str(2**32 + find(name).pk))`, want: "nobody untouched"},
	{name: "id over 64 bits", code: `change(key, _auth_user_id=str(2**64 + find(name).pk))`, want: "R untouched"},
	{name: "id a word", code: `change(key, _auth_user_id="x")`, want: "R untouched"},
	{name: "id empty", code: `change(key, _auth_user_id="")`, want: "R untouched"},
	{name: "id a list", code: `change(key, _auth_user_id=[find(name).pk])`, want: "R untouched"},
	{name: "id a dict", code: `change(key, _auth_user_id={})`, want: "R untouched"},
	{name: "id with a NUL", code: `change(key, _auth_user_id="%d\0" % find(name).pk)`, want: "R untouched"},
}

func TestUser(t *testing.T) {
	onDatabases(t, func(t *testing.T, version string, db djangotest.Database) {
		s := newSite(t, version, db, nil)
		for i, c := range userCases {
			t.Run(c.name, func(t *testing.T) { s.userCase(t, i) })
		}
	})
}

func (s *site) userCase(t *testing.T, i int) {
	c := userCases[i]
	s.open(t, djauth.UserModel{})
	if c.set != nil {
		c.set(s.auth)
	}
	var made struct {
		Name, Django, Go string
	}
	s.django.Do(t, `
		settings.AUTHENTICATION_BACKENDS = [MODEL_BACKEND]
		name = "user%d" % args["i"]
		make_user(name)
		result = {"Name": name, "Django": log_in(name, seen=1.0), "Go": log_in(name, seen=1.0)}
		exec(args["settings"])
	`, map[string]any{"i": i, "settings": c.settings}, &made)
	// The one that is changed last must not undo what was done for the first.
	s.django.Do(t, `
		import textwrap
		for key in args["keys"]:
			exec(textwrap.dedent(args["code"]))
	`, map[string]any{"keys": []string{made.Django, made.Go}, "code": c.code}, nil)

	describe := func(got seen, before, after string) string {
		user, fate := "nobody", got.Cookie
		if got.User == made.Name {
			user = "user"
		} else if got.User != "" {
			user = "somebody else, " + got.User
		}
		switch {
		case before == "":
			t.Error("no session was made")
		case got.Cookie == "" && after == before:
			fate = "untouched"
		case got.Cookie == "deleted" && after == "":
			fate = "flushed"
		}
		return user + " " + fate
	}

	before := s.row(t, made.Django)
	var at seen
	if err := s.django.Try(`result = visit(who, args)`, made.Django, &at); err != nil {
		if !strings.HasPrefix(c.want, "R ") {
			t.Errorf("Django: %v", err)
		}
	} else if got := describe(at, before, s.row(t, made.Django)); got != c.want && c.want != "R untouched" {
		t.Errorf("Django: %s, want %s", got, c.want)
	}
	before = s.row(t, made.Go)
	got, user := s.who(t, made.Go)
	raises := strings.HasPrefix(c.want, "R ")
	want, _, _ := strings.Cut(strings.Replace(c.want, "R ", "nobody ", 1), " ")
	if got := describe(got, before, s.row(t, made.Go)); got != want+" untouched" {
		t.Errorf("Go: %s, want %s untouched", got, want)
	}
	if told := len(s.refusals) == 1 && strings.HasPrefix(s.refusals[0], made.Go[:6]); user == nil && !c.silent != told || user != nil && len(s.refusals) > 0 {
		t.Errorf("the Observer was told %q", s.refusals)
	}
	if !raises {
		at = s.djangoWho(t, made.Go)
		if got := describe(at, before, s.row(t, made.Go)); got != c.want {
			t.Errorf("Django, after Go: %s, want %s", got, c.want)
		}
	}
	if user == nil {
		return
	}
	var record struct {
		ID, Password string
		Active       bool
		LastLogin    int64
	}
	s.django.Do(t, `
		user = find(args)
		moment = user.last_login - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
		result = {"ID": str(user.pk), "Password": user.password, "Active": user.is_active,
			"LastLogin": moment // datetime.timedelta(microseconds=1)}
	`, made.Name, &record)
	if user.ID != record.ID || user.Password != record.Password || user.IsActive != record.Active || user.LastLogin.UnixMicro() != record.LastLogin {
		t.Errorf("%v, %v, %v: not as in Django", user, user.IsActive, user.LastLogin)
	}
}

// Sessions from before Django 3.1 have a SHA-1 hash.
func TestLegacyHash(t *testing.T) {
	want := map[string]string{"2.2": "zoe", "3.2": "zoe"}
	for _, version := range djangotest.Djangos() {
		for _, algorithm := range []string{"sha256", "sha1"} {
			if algorithm == "sha1" && version != "3.2" {
				continue
			}
			t.Run(version+" "+algorithm, func(t *testing.T) {
				t.Parallel()
				further := djangotest.Settings{}
				if version == "3.2" {
					further["DEFAULT_HASHING_ALGORITHM"] = algorithm
				}
				s := newSite(t, version, djangotest.SQLite(t), further)
				if algorithm == "sha1" {
					s.settings.DefaultHashingAlgorithm = "sha1"
					s.open(t, djauth.UserModel{})
				}
				for _, hash := range []string{"sha1", "sha256"} {
					var keys []string
					s.django.Do(t, `
						import hashlib, hmac
						User.objects.all().delete()
						make_user("zoe")
						secret = b"django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash" + settings.SECRET_KEY.encode()
						digest = hmac.new(hashlib.new(args, secret).digest(), find("zoe").password.encode(), args).hexdigest()
						result = [log_in("zoe"), log_in("zoe")]
						for key in result:
							change(key, _auth_user_hash=digest)
					`, hash, &keys)
					django := s.djangoWho(t, keys[0])
					got, _ := s.who(t, keys[1])
					if got != (seen{User: django.User}) || s.row(t, keys[1]) == "" {
						t.Errorf("%s: %v, or the session is gone; in Django %v", hash, got, django)
					}
					if hash == "sha1" && got.User != want[version] {
						t.Errorf("%s: user %q, want %q", hash, got.User, want[version])
					}
				}
			})
		}
	}
}

func TestAnonymous(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	var key string
	s.django.Do(t, `
		session = SessionStore()
		session["cart"] = [1]
		session.save()
		result = session.session_key
	`, nil, &key)
	before := s.row(t, key)
	for _, key := range []string{"", key, djsession.NewKey(), "short"} {
		got, _ := s.who(t, key)
		if django := s.djangoWho(t, key); got.User != django.User || got.User != "" {
			t.Errorf("%v, in Django %v", got, django)
		}
	}
	if got, _ := s.who(t, key); got != (seen{}) || before == "" || s.row(t, key) != before || len(s.refusals) > 0 {
		t.Errorf("%v, or the row was changed; the Observer was told %q", got, s.refusals)
	}
}
