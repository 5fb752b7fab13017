package djauth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// The recipe "who is online": a table of the site's with a foreign key to the session table.
const userSessions = `
	from django.contrib.sessions.models import Session
	from django.core.management import call_command
	from django.db import connection, models

	class UserSession(models.Model):
		user = models.ForeignKey(User, on_delete=models.CASCADE)
		session = models.ForeignKey(Session, on_delete=models.CASCADE)

		class Meta:
			app_label = "sessions"

	with connection.schema_editor() as editor:
		editor.create_model(UserSession)
	make_user("zoe")

	def online(key):
		UserSession.objects.create(user=find("zoe"), session_id=key)
		return key

	def live():
		return Session.objects.filter(expire_date__gt=timezone.now()).count()
`

// userSessionsCode replaces names of stepCode: a row points at each session whose user
// Django knows.
const userSessionsCode = `
	usual_who = who

	def who(request):
		name = usual_who(request)
		if name:
			UserSession.objects.get_or_create(user=find(name), session_id=request.session.session_key)
		return name

	def log_out_everywhere(name):
		for row in UserSession.objects.filter(user=find(name)):
			row.session.delete()
`

// TestRowsThatPointAtSessions tests logout and login in Go where rows of the site's point at
// sessions, so that the database does not delete the sessions' rows.
func TestRowsThatPointAtSessions(t *testing.T) {
	djangotest.NotShort(t, "it takes all the steps of TestSessionModels again")
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, djangotest.Newest, kind.New(t), nil)
			s.django.Do(t, userSessions, nil, nil)
			var emptied []string // sessions of which the Observer was told
			observe := s.manager.Observer
			s.manager.Observer = func(ctx context.Context, e djsession.Event) {
				if observe(ctx, e); e.Kind == djsession.EventDelete && errors.Is(e.Err, djsession.ErrEmptied) {
					emptied = append(emptied, e.Session)
				}
			}

			var key string
			s.django.Do(t, `result = online(log_in("zoe"))`, nil, &key)
			w := s.visit(t, key, func(_ http.ResponseWriter, r *http.Request) error { return s.auth.Logout(r) })
			if got := cookie(t, w, "sessionid"); w.Code != http.StatusOK || got != "deleted" {
				t.Errorf("logout: status %d, cookie %q", w.Code, got)
			}
			if len(emptied) != 1 || emptied[0] != djsession.ShortKey(key) {
				t.Errorf("logout: the Observer was told of %q", emptied)
			}
			if at := s.djangoWho(t, key); at.User != "" {
				t.Errorf("after a logout in Go, in Django %v", at)
			}

			s.django.Do(t, `result = online(visit(lambda request: request.session.update({"cart": 1}))["cookie"])`, nil, &key)
			w = s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, s.zoe(t), "") })
			at := s.djangoWho(t, cookie(t, w, "sessionid"))
			if w.Code != http.StatusOK || at.User != "zoe" || s.items(t, cookie(t, w, "sessionid")) == "null" {
				t.Errorf("login: status %d, in Django %v", w.Code, at)
			}
			if len(emptied) != 2 || s.items(t, key) != "[]" || s.djangoWho(t, key).User != "" {
				t.Errorf("login: the Observer was told of %q, and the old session holds %s", emptied, s.items(t, key))
			}

			var rows struct{ Live, Dead, Online int }
			s.django.Do(t, `
				connection.check_constraints()
				call_command("clearsessions")
				result = {"Live": live(), "Dead": Session.objects.count() - live(), "Online": UserSession.objects.count()}
			`, nil, &rows)
			if rows.Live != 1 || rows.Dead != 0 || rows.Online != 0 {
				t.Errorf("after clearsessions %+v", rows)
			}

			s.django.Do(t, stepCode, nil, nil)
			s.django.Do(t, userSessionsCode, nil, nil)
			steps := stepSite{site: s, reopen: func(t *testing.T) { s.open(t, djauth.UserModel{}) }}
			steps.steps(t)
		})
	}
}

// TestLoginWithoutDelete tests that a login that cannot delete the old session leaves no second
// live session behind.
func TestLoginWithoutDelete(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL and MariaDB")
	for _, kind := range djangotest.Databases()[1:] { // SQLite has no rights
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, djangotest.Newest, kind.New(t), nil)
			s.django.Do(t, userSessions, nil, nil)
			var key string
			s.django.Do(t, `result = visit(lambda request: request.session.update({"cart": 1}))["cookie"]`, nil, &key)
			s.as(t, s.store.DB(), "GRANT SELECT, INSERT, UPDATE ON django_session", "GRANT SELECT, UPDATE (last_login) ON auth_user")
			w := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, s.zoe(t), "") })
			if w.Code != http.StatusInternalServerError || cookieLine(w, "sessionid") != "" {
				t.Errorf("status %d, %v", w.Code, w.Header())
			}
			var live int
			if s.django.Do(t, `result = live()`, nil, &live); live != 1 || s.items(t, key) != `[["cart", 1]]` {
				t.Errorf("%d live sessions, and the visitor's holds %s", live, s.items(t, key))
			}
		})
	}
}
