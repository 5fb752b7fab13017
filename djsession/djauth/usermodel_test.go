package djauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// models are user models of a site's own: the body of the class, and its description for Go.
var models = []struct {
	name, body, backend string
	model               djauth.UserModel
	ids                 []string // further spellings of the id, made of the right one by Python
	lacksLastLogin      bool
}{
	{
		name: "uuid",
		body: `
			id = models.UUIDField(primary_key=True, default=uuid.uuid4)
			username = models.CharField(max_length=50, unique=True)
			is_active = models.BooleanField(default=True)
			is_staff = models.BooleanField(default=True)
			points = models.IntegerField(null=True)
			bio = models.TextField(default="żółć")
			USERNAME_FIELD = "username"
		`,
		model: djauth.UserModel{Table: "auth_member", PrimaryKey: djauth.UUID, Extra: []string{"is_staff", "points", "bio"}},
		ids: []string{`str(pk).upper()`, `pk.hex`, `"{%s}" % pk`, `pk.urn`, `pk.int`, `str(pk)[:-1]`, `str(pk) + "0"`, `"x" * 32`,
			`" " + str(pk)`, `1`, `-1`, `2**128`, `1.5`, `True`, `""`, `[]`},
	},
	{
		name: "text",
		body: `
			name = models.CharField(max_length=50, primary_key=True)
			is_active = models.BooleanField(default=True)
			USERNAME_FIELD = "name"
		`,
		model: djauth.UserModel{Table: "auth_member", PrimaryKey: djauth.Text, ID: "name", Username: "name"},
		ids:   []string{`pk + "x"`, `pk[:-1]`, `""`, `17`, `17.0`, `True`, `[]`, `2**70`, `"\0"`, `"\ud800"`, `"é"`, `"x" * 300`},
	},
	{
		name: "columns",
		body: `
			email = models.CharField(max_length=50, unique=True, db_column="E-Mail:address")
			password = models.CharField(max_length=128, db_column="pw")
			is_active = models.BooleanField(default=True, db_column="live")
			last_login = models.DateTimeField(null=True, db_column="select")
			id = models.SmallIntegerField(primary_key=True, default=17, db_column="no")
			USERNAME_FIELD = "email"
			class Meta:
				app_label = "auth"
				db_table = "Our users"
		`,
		model: djauth.UserModel{Table: "Our users", ID: "no", Username: "E-Mail:address", Password: "pw", IsActive: "live", LastLogin: "select"},
		ids:   []string{`17`, `" 17 "`, `65536 + 17`, `2**40`, `2**63 - 1`},
	},
	{
		name: "bare",
		body: `
			username = models.CharField(max_length=50, unique=True)
			last_login = None
			USERNAME_FIELD = "username"
		`,
		model:          djauth.UserModel{Table: "auth_member", IsActive: djauth.NoColumn, LastLogin: djauth.NoColumn},
		lacksLastLogin: true,
	},
}

// newModel gives the site a user model of its own.
func (s *site) newModel(t *testing.T, body string) {
	t.Helper()
	s.django.Do(t, `
		import textwrap, uuid
		from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
		from django.contrib.auth.models import update_last_login
		from django.contrib.auth.signals import user_logged_in
		from django.db import connection, models

		source = "class Member(AbstractBaseUser):\n" + textwrap.indent(textwrap.dedent(args).expandtabs(4), "    ")
		source += "\n    objects = BaseUserManager()\n"
		if "class Meta" not in source:
			source += "    class Meta:\n        app_label = 'auth'\n"
		exec(source)
		with connection.schema_editor() as editor:
			editor.create_model(Member)
		settings.AUTH_USER_MODEL = "auth.Member"
		backends.UserModel = User = Member
		if Member.last_login is None:
			user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")
	`, body, nil)
}

func TestUserModels(t *testing.T) {
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			onDatabases(t, func(t *testing.T, version string, db djangotest.Database) {
				if version != djangotest.Newest && m.name != "uuid" {
					return // it is for UUIDs that databases have different types
				}
				s := newSite(t, version, db, nil)
				s.newModel(t, m.body)
				s.open(t, m.model)
				s.ownModel(t, m.ids)
				if !m.lacksLastLogin {
					s.ownColumns(t, m.model)
				}
			})
		})
	}
}

// ownColumns tests which columns of a user Go reads and writes.
func (s *site) ownColumns(t *testing.T, model djauth.UserModel) {
	t.Helper()
	users, err := djauth.UsersIn(s.store, model)
	if err != nil {
		t.Fatal(err)
	}
	user, err := users.UserByUsername(t.Context(), "zoe")
	if err != nil {
		t.Fatal(err)
	}
	var micros int64
	s.django.Do(t, `
		epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
		result = (find("zoe").last_login - epoch) // datetime.timedelta(microseconds=1)
	`, nil, &micros)
	if user.LastLogin.UnixMicro() != micros {
		t.Errorf("last login %v, in Django %v", user.LastLogin, time.UnixMicro(micros).UTC())
	}
	if model.Extra == nil {
		return
	}
	staff, err := djauth.Column[bool](user, "is_staff")
	if !staff || err != nil {
		t.Errorf("is_staff: %v, %v", staff, err)
	}
	if points, err := djauth.Column[int](user, "points"); points != 0 || err != nil {
		t.Errorf("points: %v, %v", points, err)
	}
	if bio, err := djauth.Column[string](user, "bio"); bio != "żółć" || err != nil {
		t.Errorf("bio: %q, %v", bio, err)
	}
	if _, err := djauth.Column[int](user, "bio"); err == nil || strings.Contains(err.Error(), "żółć") {
		t.Errorf("bio is no number: %v", err)
	}
	if _, err := djauth.Column[int](user, "email"); err == nil {
		t.Error("email was not asked for")
	}
}

func (s *site) ownModel(t *testing.T, ids []string) {
	t.Helper()
	var made struct{ Key, ID string }
	s.django.Do(t, `
		zoe = make_user("zoe")
		key = log_in("zoe")
		result = {"Key": key, "ID": SessionStore(key)["_auth_user_id"]}
	`, nil, &made)
	before := s.row(t, made.Key)
	got, user := s.who(t, made.Key)
	if got != (seen{User: "zoe"}) || user.ID != made.ID || !user.IsActive || s.row(t, made.Key) != before {
		t.Fatalf("%v, %v, or the row changed", got, user)
	}
	w := s.visit(t, "", func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, user, "") })
	if at := s.djangoWho(t, cookie(t, w, "sessionid")); at != (seen{User: "zoe"}) {
		t.Errorf("logged in by Go, in Django %v", at)
	}
	// As a key of the session, Go's user is the one that Django writes.
	if held, want := s.items(t, cookie(t, w, "sessionid")), fmt.Sprintf(`[["_auth_user_id", %q]`, made.ID); len(held) < len(want) || held[:len(want)] != want {
		t.Errorf("%s, want %s", held, want)
	}
	// The same user's session is kept, under Go's eyes as well.
	w = s.visit(t, made.Key, func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, user, "") })
	if got := cookie(t, w, "sessionid"); got != made.Key {
		t.Errorf("the session of the same user becomes %q", got)
	}
	for _, id := range ids {
		s.django.Do(t, `
			pk = zoe.pk
			change(args["key"], _auth_user_id=eval(args["id"]))
		`, map[string]string{"key": made.Key, "id": id}, nil)
		before := s.row(t, made.Key)
		var django seen
		err := s.django.Try(`result = visit(who, args)`, made.Key, &django)
		got, _ := s.who(t, made.Key)
		if want := (seen{User: django.User}); got != want || s.row(t, made.Key) != before {
			t.Errorf("id %s: %v, in Django %v, %v", id, got, django, err)
		}
	}
}

// Times are in the zone that the site has them in, to the microsecond.
func TestLastLogin(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest() {
		for _, kind := range djangotest.Databases() {
			for _, zone := range djangotest.TimeZones() {
				if kind.Kind == "postgres" && zone.Database != "" {
					continue // it holds instants, and Django has no such setting for it
				}
				t.Run(version+"/"+kind.Kind+"/"+zone.Name, func(t *testing.T) {
					t.Parallel()
					db := kind.New(t)
					if zone.Database != "" {
						db.Django["TIME_ZONE"] = zone.Database
					}
					s := newSite(t, version, db, djangotest.Settings{"USE_TZ": zone.UseTZ, "TIME_ZONE": zone.Zone})
					for _, at := range []time.Time{
						time.Date(2026, 1, 15, 12, 30, 45, 123456789, time.UTC),
						time.Date(2026, 7, 15, 23, 59, 59, 0, time.UTC),
						time.Date(1999, 12, 31, 0, 0, 0, 1000, time.UTC),
					} {
						s.lastLogin(t, at)
					}
				})
			}
		}
	}
}

func (s *site) lastLogin(t *testing.T, at time.Time) {
	t.Helper()
	s.settings.Now = func() time.Time { return at }
	defer func() { s.settings.Now = time.Now }()
	s.open(t, djauth.UserModel{})
	s.django.Do(t, `User.objects.all().delete(); make_user("zoe")`, nil, nil)
	if w := s.visit(t, "", func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, s.zoe(t), "") }); w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	var seen struct {
		Micros     int64
		Ours, Same string
	}
	s.django.Do(t, `
		from django.db import connection
		def stored():
			kind = "char" if connection.vendor == "mysql" else "text"
			with connection.cursor() as cursor:
				cursor.execute("SELECT CAST(last_login AS %s) FROM auth_user" % kind)
				return str(cursor.fetchone()[0])
		login = find("zoe").last_login
		aware = timezone.make_aware(login, timezone.get_default_timezone()) if timezone.is_naive(login) else login
		epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
		result = {"Micros": (aware - epoch) // datetime.timedelta(microseconds=1), "Ours": stored()}
		User.objects.update(last_login=None)
		User.objects.update(last_login=login)
		result["Same"] = stored()
	`, nil, &seen)
	if seen.Micros != at.UnixMicro() || seen.Ours != seen.Same {
		t.Errorf("%v is stored as %s, %v to Django, who stores %s", at, seen.Ours, time.UnixMicro(seen.Micros).UTC(), seen.Same)
	}
	if got := s.zoe(t).LastLogin; !got.Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("read as %v", got)
	}
}

func TestUsersIn(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	for name, model := range map[string]djauth.UserModel{
		"no id":       {ID: djauth.NoColumn},
		"no password": {Password: djauth.NoColumn},
		"a path":      {Table: "a.b.c"},
		"a type":      {PrimaryKey: 7},
	} {
		if users, err := djauth.UsersIn(s.store, model); err == nil {
			t.Errorf("%s: %v", name, users)
		}
	}
	if _, err := djauth.UsersIn(struct{ djsession.Store }{s.store}, djauth.UserModel{}); err == nil {
		t.Error("a store without a database was taken")
	}
	users, err := djauth.UsersIn(s.store, djauth.UserModel{Table: "main.auth_user"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.User(t.Context(), "1"); !errors.Is(err, djauth.ErrNoUser) {
		t.Errorf("%v", err)
	}
}
