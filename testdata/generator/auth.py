"""Users, and a database with their sessions."""
import datetime

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import override_settings

import peer
import values
from base import as_json

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
TEN_YEARS = 315360000


def write(w):
    peer.migrate()
    users = [make_user(w, name, active) for name, active in (("alice", True), ("bob", True), ("carol", False))]
    for user in users:
        fields = {"id": str(user.pk), "password": user.password, "active": user.is_active}
        w.write("auth", user.username, hash=user.get_session_auth_hash(), **fields)
        if w.sha1:
            with override_settings(DEFAULT_HASHING_ALGORITHM="sha1"):
                w.write("auth_sha1", user.username, hash=user.get_session_auth_hash(), **fields)
        if w.fallbacks:
            with override_settings(SECRET_KEY=settings.SECRET_KEY_FALLBACKS[0]):
                w.write("auth_fallback", user.username, hash=user.get_session_auth_hash(), **fields)
    for user in users:
        row(w, user.username, {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            "sname": user.username,
        }, instant=w.fallbacks)  # 4.1 made an instant text, which JSON can hold.
    row(w, "empty", {})
    row(w, "cart", values.CART)
    for name, obj in list(values.drawn(w.rng, 8))[3:]:
        row(w, name, obj)
    if w.sha1:
        with override_settings(DEFAULT_HASHING_ALGORITHM="sha1"):
            row(w, "legacy", {"sname": "before 3.1"})
    row(w, "expired", {"gone": 1}, expiry=-5)
    tidy(w)


def make_user(w, name, active):
    password = make_password(name + "-password", salt="".join(w.rng.choice(LETTERS) for _ in range(22)))
    user = get_user_model()(username=name, email=name + "@example.org", password=password, is_active=active,
                            date_joined=w.clock.datetime())
    user.save()
    return user


def row(w, name, obj, expiry=TEN_YEARS, instant=False):
    session = SessionStore()
    session._session_key = "".join(w.rng.choice(LETTERS) for _ in range(32))
    session._session_cache = dict(obj)
    session.set_expiry(datetime.timedelta(seconds=expiry) if instant else expiry)
    session.save(must_create=True)
    fields = {"expiry": session["_session_expiry"]} if instant else {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT expire_date FROM django_session WHERE session_key = %s", [session.session_key])
        expires = cursor.fetchone()[0]
    expires = expires.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(expires, datetime.datetime) else expires
    decoded = as_json(Session.objects.get(pk=session.session_key).get_decoded())
    w.write("row", name, key=session.session_key, json=decoded, expire_date=expires, **fields)


def tidy(w):
    """Remove traces of the wall clock and of earlier versions of the pages from the file."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET applied = %s", [w.clock.datetime().strftime("%Y-%m-%d %H:%M:%S.%f")])
        cursor.execute("VACUUM")
