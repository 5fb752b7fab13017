package djauth_test

import (
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/signing"
)

// ownHash is a user model whose sessions have a hash of its own, or none, and how it is
// described to Go.
type ownHash struct {
	name, body string
	model      djauth.UserModel
	describe   func(a *djauth.Auth)
	hint       string // what the Observer is told without the description
	afterToken seen   // of a session from before a new session_token, in Django
	ends       bool   // Django ends sessions whose hash is under a fallback key
	code       string // replaces names of stepCode
}

var ownHashes = []ownHash{
	{
		name: "one method overridden",
		body: `
			username = models.CharField(max_length=50, unique=True)
			email = models.CharField(max_length=50, default="zoe@example.com")
			session_token = models.CharField(max_length=32, default="t0")
			is_active = models.BooleanField(default=True)
			USERNAME_FIELD = "username"

			def get_session_auth_hash(self):
				return salted_hmac("members.session", self.password + self.email + self.session_token).hexdigest()

			class Meta:
				app_label = "auth"
				db_table = "members"
		`,
		model: djauth.UserModel{Table: "members", Extra: []string{"email", "session_token"}},
		describe: func(a *djauth.Auth) {
			a.SessionAuthHash = djauth.SessionHash{Salt: "members.session", Columns: []string{"password", "email", "session_token"}}.Hash
			a.InheritsFallbackHash = true
		},
		hint: "SessionAuthHash", afterToken: seen{Cookie: "deleted"}, ends: true,
	},
	{
		name: "as pretix", // its fields, salt and algorithm
		body: `
			email = models.EmailField(unique=True, null=True, max_length=190)
			session_token = models.CharField(max_length=32, default="t0")
			is_active = models.BooleanField(default=True)
			USERNAME_FIELD = "email"

			def under(self, secret):
				text = "".join([self.password, self.email, self.session_token])
				return salted_hmac("pretix.base.models.User.get_session_auth_hash", text, secret=secret).hexdigest()

			def get_session_auth_hash(self):
				return self.under(settings.SECRET_KEY)

			def get_session_auth_fallback_hash(self):
				return map(self.under, settings.SECRET_KEY_FALLBACKS)

			class Meta:
				app_label = "auth"
				db_table = "pretixbase_user"
		`,
		model: djauth.UserModel{Table: "pretixbase_user", Username: "email", Extra: []string{"email", "session_token"}},
		describe: func(a *djauth.Auth) {
			a.SessionAuthHash = djauth.SessionHash{
				Salt:    "pretix.base.models.User.get_session_auth_hash",
				Columns: []string{"password", "email", "session_token"},
			}.Hash
		},
		hint: "SessionAuthHash", afterToken: seen{Cookie: "deleted"},
	},
	{
		name: "no hash",
		body: `
			username = models.CharField(max_length=50, unique=True)
			session_token = models.CharField(max_length=32, default="t0")
			USERNAME_FIELD = "username"

			@property
			def get_session_auth_hash(self):
				raise AttributeError("as if the class had no such method")

			class Meta:
				app_label = "auth"
				db_table = "visitors"
		`,
		model:    djauth.UserModel{Table: "visitors", IsActive: djauth.NoColumn},
		describe: func(a *djauth.Auth) { a.NoSessionAuthHash = true },
		hint:     "NoSessionAuthHash", afterToken: seen{User: "zoe"},
		code: `
			usual_log_in = log_in

			def log_in(name, key=None, **values):
				try:
					return usual_log_in(name, key, **values)
				except AttributeError:  # Django 6.1 logs in nobody without a hash
					session = SessionStore(key)
					session.update({"_auth_user_id": str(find(name).pk), "_auth_user_backend": MODEL_BACKEND, "_auth_user_hash": "", **values})
					session.save()
					return session.session_key

			def log_out_everywhere(name):
				for session in Session.objects.all():
					if session.get_decoded().get("_auth_user_id") == str(find(name).pk):
						session.delete()
		`,
	},
}

// ownHashCode replaces names of stepCode: a new session_token ends all sessions of a user.
const ownHashCode = `
	def log_out_everywhere(name):
		user = find(name)
		user.session_token += "1"
		user.save()
`

// Without a description of the hash Go knows nobody and leaves all sessions alone; with it
// Go knows the users whom Django knows, and Django those who log in at Go.
func TestOwnHash(t *testing.T) {
	djangotest.NotShort(t, "it takes all the steps of TestSessionModels again")
	onDatabases(t, func(t *testing.T, version string, db djangotest.Database) {
		s := newSite(t, version, db, nil)
		for _, m := range ownHashes {
			t.Run(m.name, func(t *testing.T) { s.ownHash(t, m) })
		}
	})
}

func (s *site) ownHash(t *testing.T, m ownHash) {
	s.settings.SecretKey, s.settings.SecretKeyFallbacks = djangotest.SecretKey, nil
	s.django.Do(t, `
		from django.utils.crypto import salted_hmac
		settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = args, []
	`, djangotest.SecretKey, nil)
	s.newModel(t, m.body)
	for _, code := range []string{stepCode, ownHashCode, m.code} {
		s.django.Do(t, code, nil, nil)
	}
	var key string
	s.django.Do(t, `result = log_in("zoe", cart=[1.0])`, nil, &key)
	before := s.row(t, key)

	s.open(t, m.model)
	for range 2 {
		if got, _ := s.who(t, key); got != (seen{}) || s.row(t, key) != before {
			t.Errorf("not described: %v, or the row was changed", got)
		}
	}
	if len(s.refusals) != 1 || !strings.Contains(s.refusals[0], m.hint) {
		t.Errorf("not described: the Observer was told %q", s.refusals)
	}
	if err := s.auth.Check(t.Context(), s.manager); err == nil || !strings.Contains(err.Error(), m.hint) || strings.Contains(err.Error(), key) {
		t.Errorf("not described: the check says %v", err)
	}
	if at := s.djangoWho(t, key); at != (seen{User: "zoe"}) || s.row(t, key) != before {
		t.Errorf("in Django %v, or the row was changed", at)
	}

	reopen := func(t *testing.T) {
		t.Helper()
		s.open(t, m.model)
		m.describe(s.auth)
	}
	reopen(t)
	if err := s.auth.Check(t.Context(), s.manager); err != nil {
		t.Errorf("described: the check says %v", err)
	}
	if got, _ := s.who(t, key); got != (seen{User: "zoe"}) || s.row(t, key) != before {
		t.Fatalf("described: %v, or the row was changed", got)
	}
	s.django.Do(t, `User._default_manager.update(session_token="t1")`, nil, nil)
	if got, _ := s.who(t, key); got != (seen{User: m.afterToken.User}) || s.row(t, key) != before {
		t.Errorf("with another token %v, or the row was changed", got)
	}
	if at := s.djangoWho(t, key); at != m.afterToken {
		t.Errorf("with another token, in Django %v", at)
	}

	s.django.Do(t, `Session.objects.all().delete()`, nil, nil)
	steps := stepSite{site: s, users: m.model, reopen: reopen, ends: m.ends}
	if s.auth.NoSessionAuthHash && s.settings.AtLeast(6, 1) {
		steps.noLogin = "6.1"
	}
	steps.steps(t)
}

func TestSessionHash(t *testing.T) {
	user := &djauth.User{ID: "7", Password: "secret$hash", Extra: map[string]any{"token": "t", "version": int64(-3), "none": nil, "active": true}}
	for _, c := range []struct {
		hash djauth.SessionHash
		want string // the hash, or a part of the error after "!"
	}{
		// Made with Django's salted_hmac("s", "secret$hasht-3", secret="k").
		{djauth.SessionHash{Salt: "s", Columns: []string{"password", "token", "version"}}, "c5f77ff13465ebbebb614fd10bab03b59d1d28ee"},
		{djauth.SessionHash{Salt: "s", Columns: []string{"password", "token", "version"}, Algorithm: signing.SHA256}, "9ddb4bc077eee61c33f514580314c41bda6bd3cd544449b2c4a7c6c13b210840"},
		{djauth.SessionHash{Salt: "s", Columns: []string{"password", "email"}}, `!column "email": it is not in UserModel.Extra`},
		{djauth.SessionHash{Salt: "s", Columns: []string{"none"}}, `!column "none": it is null in user "7"`},
		{djauth.SessionHash{Salt: "s", Columns: []string{"active"}}, `!column "active": it holds a bool`},
		{djauth.SessionHash{Columns: []string{"password"}}, "!Salt"},
		{djauth.SessionHash{Salt: "s"}, "!Columns"},
		{djauth.SessionHash{Salt: "s", Columns: []string{"password"}, Algorithm: "rot13"}, "!rot13"},
	} {
		got, err := c.hash.Hash(user, "k")
		if says, fails := strings.CutPrefix(c.want, "!"); fails {
			if err == nil || got != "" || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret$hash") {
				t.Errorf("%v: %q, %v, want %s", c.hash, got, err, says)
			}
		} else if got != c.want || err != nil {
			t.Errorf("%v: %q, %v", c.hash, got, err)
		}
	}
}
