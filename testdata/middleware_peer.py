"""The Django side of internal/testing/middlewaretest: it sends this file to peer.py first, and then asks for

    seed(row)               store the row's sessions and no others, and return their keys
    send(row)               make the row's request, by Django's handler, its SessionMiddleware and a view
    observe(row, cookies)   return the sessions in the store and in these cookies
    meanwhile(row, script)  make another request, which changes the session "live"

Each runs with the row's settings, and with the clock stopped at the row's `now`, in microseconds. Package
internal/testing/middlewaretest describes rows. The engines that use a cache are in middleware_caches.py, which is sent next.
"""
import contextlib
import decimal
import importlib
import itertools
import os
import sys
import time
import types
import wsgiref.util
from unittest import mock

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.handlers.wsgi import WSGIHandler
from django.http import Http404, HttpResponse
from django.test.utils import override_settings
from django.urls import re_path

# Sessions were last saved so many microseconds before the request.
AGO = 100 * 1000000
# The session keys, by the names of the sessions. Each row has other keys: djsess may still remove a cache entry of an
# earlier row.
KEYS = {}
ROWS = itertools.count(1)


@contextlib.contextmanager
def clock(now):
    """Stop the clock at a number of microseconds."""

    def timezone_now():
        at = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=now)
        return at if settings.USE_TZ else at.astimezone().replace(tzinfo=None)

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(time, "time", lambda: now / 1e6))
        for module, name in NOWS:
            patches.enter_context(mock.patch.object(module, name, timezone_now))
        yield


# The modules that have imported timezone.now, and its name there.
NOWS = [(timezone, "now")]


@contextlib.contextmanager
def site(row):
    """Apply the row's settings and time."""
    with override_settings(**row["settings"]) if row["settings"] else contextlib.nullcontext(), clock(row["now"]):
        yield


def seed(row):
    """Put the row's sessions into the store, and return their keys by their names."""
    row_number = "%08d" % next(ROWS)
    KEYS.update({name: name.ljust(24, "0") + row_number for name in ("live", "other", "expired", "unknown")})
    store = store_of(row)
    with site(row):
        age = int(settings.SESSION_COOKIE_AGE * 1000000)
        lately, too_long_ago = row["now"] - min(AGO, age // 2), row["now"] - age - 1000000
        with clock(lately):
            live = store.session(KEYS["live"], store.damaged(json.loads(row["live"]), row["payload"]))
            other = store.session(KEYS["other"], store.encode({"o": 1}))
            unknown = store.unknown()
        with clock(too_long_ago):
            expired = store.session(KEYS["expired"], store.encode({"e": 1}))
        store.reset([live, other, expired])
    return {"live": live[0], "other": other[0], "expired": expired[0], "unknown": unknown}


def store_of(row):
    return STORES[settings.SESSION_ENGINE](row)


class DB:
    def __init__(self, row):
        pass

    def encode(self, values):
        """Return the payload of these values."""
        return SessionStore().encode(values)

    def damaged(self, values, how):
        """Return a payload that is damaged in the given way."""
        if how == "other secret":
            with override_settings(SECRET_KEY="another key"):
                return self.encode(values)
        if how == "fallback":
            with override_settings(SECRET_KEY=settings.SECRET_KEY_FALLBACKS[0]):
                return self.encode(values)
        if how == "list":
            return self.encode([1, 2])
        if how == "tampered":
            payload = self.encode(values)
            return payload[:-1] + ("A" if payload[-1] != "A" else "B")
        return self.encode(values) if how == "" else how

    def session(self, key, payload):
        """Return the key, the payload and the expiry of a session that is saved now."""
        return key, payload, timezone.now() + datetime.timedelta(seconds=settings.SESSION_COOKIE_AGE)

    def unknown(self):
        """Return a key that no session has."""
        return KEYS["unknown"]

    def reset(self, sessions):
        """Store these sessions, and remove all others."""
        Session.objects.all().delete()
        Session.objects.bulk_create(
            [Session(session_key=key, session_data=payload, expire_date=until) for key, payload, until in sessions]
        )

    def all(self):
        """Yield the key and the payload of each stored session, with its values and expiry as text."""
        for row in Session.objects.all():
            yield row.session_key, row.session_data, self.read(row.session_data) + " until " + seconds(left(row.expire_date))

    def read(self, payload):
        """Return the values in a payload, as text."""
        try:
            return json.dumps(signing.loads(payload, salt=self.salt()), separators=(",", ":"))
        except Exception as e:
            return "unreadable (%s)" % type(e).__name__

    def salt(self):
        return "django.contrib.sessions.SessionStore"


def left(when):
    """Return the microseconds until a time."""
    return (when - timezone.now()) // datetime.timedelta(microseconds=1)


def seconds(micros):
    return format(decimal.Decimal(micros) / 1000000, "+f")


class File(DB):
    def folder(self):
        return SessionStore._get_storage_path()

    def reset(self, sessions):
        for name in os.listdir(self.folder()):
            os.unlink(os.path.join(self.folder(), name))
        for key, payload, until in sessions:
            path = os.path.join(self.folder(), settings.SESSION_COOKIE_NAME + key)
            with open(path, "w") as f:
                f.write(payload)
            os.chmod(path, 0o600)
            saved = until.timestamp() - settings.SESSION_COOKIE_AGE
            os.utime(path, (saved, saved))

    def all(self):
        prefix = settings.SESSION_COOKIE_NAME
        for name in os.listdir(self.folder()):
            path = os.path.join(self.folder(), name)
            with open(path) as f:
                payload = f.read()
            mode = os.stat(path).st_mode & 0o777
            key = name[len(prefix):] if name.startswith(prefix) else "file " + name
            yield key, payload, self.read(payload) + ("" if mode == 0o600 else " mode %o" % mode)


class SignedCookies(DB):
    """Nothing is stored: the cookie holds the session."""

    def encode(self, values):
        return signing.dumps(values, compress=True, salt=self.salt())

    def session(self, key, payload):
        return payload, payload, None

    def unknown(self):
        return self.damaged({"u": 1}, "other secret")

    def reset(self, sessions):
        pass

    def all(self):
        return ()

    def salt(self):
        return "django.contrib.sessions.backends.signed_cookies"


# The site's ROOT_URLCONF.
URLS = sys.modules["middleware_peer_urls"] = types.ModuleType("middleware_peer_urls")
URLS.urlpatterns = []

# The store for each engine that internal/testing/middlewaretest can test.
STORES = {
    "django.contrib.sessions.backends.db": DB,
    "django.contrib.sessions.backends.file": File,
    "django.contrib.sessions.backends.signed_cookies": SignedCookies,
}


def observe(row, cookies=()):
    store = store_of(row)
    with site(row):
        stored = {key: {"payload": payload, "holds": holds} for key, payload, holds in store.all()}
        held = {c: store.read(c) for c in cookies} if isinstance(store, SignedCookies) else {}
    return {"stored": stored, "held": held}


def send(row):
    environ = {"REQUEST_METHOD": row["method"]}
    if row["cookie"]:
        cookie = "; ".join(row["cookie"])  # as a server does that follows RFC 9113, 8.2.3
        environ["HTTP_COOKIE"] = cookie.encode().decode("latin-1")  # bytes in a str: PEP 3333
    wsgiref.util.setup_testing_defaults(environ)
    response = {"saw": []}

    def view(request):
        return do(request, row, response["saw"])

    def start_response(status, headers):
        response["status"] = int(status[:3])
        response["headers"] = [[name, value.strip()] for name, value in headers]

    URLS.urlpatterns[:] = [re_path("", view)]
    with site(row):
        WSGIHandler()(environ, start_response)
    return response


def meanwhile(row, script):
    with site(row):
        session = importlib.import_module(settings.SESSION_ENGINE).SessionStore(KEYS["live"])
        perform(session, script, [])
        if not session.is_empty():
            session.save()


def do(request, row, saw):
    """The view."""
    response = HttpResponse(status=row["status"])
    if row["vary"]:
        response["Vary"] = ", ".join(row["vary"])
    for statement in filter(None, row["script"].split("; ")):
        op, _, rest = statement.partition(" ")
        if op == "them":
            meanwhile(row, rest)
        elif op == "cookie":
            response.set_cookie(*rest.split("="))
        elif op == "raise":
            raise EXCEPTIONS[rest]("on purpose")
        else:
            perform(request.session, statement, saw)
    return response


EXCEPTIONS = {
    "400": SuspiciousOperation,
    "bad": BadRequest,
    "403": PermissionDenied,
    "404": Http404,
    "500": Exception,
}


def perform(session, statement, saw):
    """Run a statement, and add its result to saw."""
    op, _, rest = statement.partition(" ")
    try:
        if op in WITH_NAME:
            name, _, value = rest.partition(" ")
            result = WITH_NAME[op](session, name, *([json.loads(value)] if value else []))
        else:
            result = WITH_VALUE[op](session, *([json.loads(rest)] if rest else []))
    except KeyError:
        saw.append("%s: KeyError" % statement)
        return
    if op not in SILENT:
        text = result if op == "key" and result else json.dumps(result, separators=(",", ":"))
        saw.append("%s = %s" % (statement, text))


def micros(seconds):
    return round(seconds * 1000000)


def delete(session, name):
    del session[name]


def set_item(session, name, value):
    session[name] = value


def add(session, name, value):
    session[name] = session.get(name, 0) + value


def set_modified(session, value):
    session.modified = value


# The statements. Times are relative to now: in seconds as arguments, in microseconds as results.
WITH_NAME = {
    "get": lambda s, *a: s.get(*a),
    "item": lambda s, name: s[name],
    "has": lambda s, name: name in s,
    "set": set_item,
    "add": add,
    "del": delete,
    "pop": lambda s, *a: s.pop(*a),
    "setdefault": lambda s, *a: s.setdefault(*a),
}
WITH_VALUE = {
    "session": lambda s: None,
    "keys": lambda s: list(s.keys()),
    "items": lambda s: list(s.items()),
    "update": lambda s, values: s.update(values),
    "clear": lambda s: s.clear(),
    "flush": lambda s: s.flush(),
    "cycle": lambda s: s.cycle_key(),
    "save": lambda s: s.save(),
    "modified": set_modified,
    "expiry": lambda s, value: s.set_expiry(value),
    "browser-close": lambda s: s.set_expiry(0),
    "expires-at": lambda s, seconds: s.set_expiry(timezone.now() + datetime.timedelta(seconds=seconds)),
    "expires-in": lambda s, seconds: s.set_expiry(datetime.timedelta(seconds=seconds)),
    "age?": lambda s: micros(s.get_expiry_age()),
    "date?": lambda s: (s.get_expiry_date() - timezone.now()) // datetime.timedelta(microseconds=1),
    "browser-close?": lambda s: s.get_expire_at_browser_close(),
    "set-test-cookie": lambda s: s.set_test_cookie(),
    "test-cookie?": lambda s: s.test_cookie_worked(),
    "delete-test-cookie": lambda s: s.delete_test_cookie(),
    "accessed?": lambda s: s.accessed,
    "modified?": lambda s: s.modified,
    "empty?": lambda s: s.is_empty(),
    "key": lambda s: s.session_key,
}
SILENT = {
    "session", "set", "add", "del", "update", "clear", "flush", "cycle", "save", "modified", "expiry", "browser-close",
    "expires-at", "expires-in", "set-test-cookie", "delete-test-cookie",
}
