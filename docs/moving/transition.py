"""A session engine that moves a live site from one session engine to another.

Put this file beside your settings, for Django 2.2 to 6.1. engines.md has the recipe.

    SESSION_ENGINE = "mysite.transition"
    SESSION_TRANSITION = {
        "old": "django.contrib.sessions.backends.db",
        "new": "django.contrib.sessions.backends.cache",
        "phase": 1,
        # If an engine has another cache than SESSION_CACHE_ALIAS: "old_cache_alias", "new_cache_alias".
        # If an engine has a database of its own: "old_database", "new_database". They also need
        # DATABASE_ROUTERS = ["mysite.transition.Router", ...]
    }

The phases, which are rolled out one after the other:

    1  reads old. A save updates the copy in new, if there is one, and makes none: workers of before
       are still running, and would not update it.
    2  reads old. Each save also reaches new. "djsess migrate" copies the other sessions now.
    3  reads new, else old. Each save reaches both.
    4  reads new. Each save also reaches old, for the workers in phase 3.

After phase 4 comes the new engine alone. Workers in neighbouring phases see the same sessions. An
engine with a constructor other than Django's cannot be moved this way, nor can signed_cookies.
"""
import contextlib
import logging
import pickle
import random
import threading
import time
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DBStore
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured

logger = logging.getLogger(__name__)

# The most rounds of a copy. Two are enough unless others save the session all the time.
MAX_COPIES = 20

# The model and the database of the engine that this thread is in.
routed = threading.local()


class Router:
    """Sends the sessions of each engine to its own database."""

    def db_for_read(self, model, **hints):
        return routed.alias if model is getattr(routed, "model", None) else None

    db_for_write = db_for_read


class Side:
    """The old or the new engine, on its cache or database."""

    def __init__(self, name, config):
        path = config.get(name)
        if not path or path == __name__:
            raise ImproperlyConfigured("SESSION_TRANSITION: %r must be the path of a session engine, not %r" % (name, path))
        self.name = name
        self.engine = import_module(path).SessionStore
        self.cache_alias = config.get(name + "_cache_alias")
        self.database = config.get(name + "_database")
        if issubclass(self.engine, CookieStore):
            raise ImproperlyConfigured("SESSION_TRANSITION: %s keeps sessions in cookies, which cannot be moved" % path)
        if self.cache_alias and not hasattr(self.engine, "cache_key_prefix"):
            raise ImproperlyConfigured("SESSION_TRANSITION: %s has no cache, so it takes no %s_cache_alias" % (path, name))
        if self.database and not hasattr(self.engine, "get_model_class"):
            raise ImproperlyConfigured("SESSION_TRANSITION: %s is not in a database, so it takes no %s_database" % (path, name))

    def place(self):
        return self.engine, self.cache_alias or settings.SESSION_CACHE_ALIAS, self.database

    @contextlib.contextmanager
    def route(self):
        """Lets Router send this engine's queries to its database."""
        before = routed.__dict__.copy()
        if self.database:
            routed.model, routed.alias = self.engine.get_model_class(), self.database
        try:
            yield
        finally:
            routed.__dict__.clear()
            routed.__dict__.update(before)

    def store(self, key=None):
        store = self.engine(key)
        if self.cache_alias:
            store._cache = caches[self.cache_alias]
        return store

    def load(self, key, past_cache=False):
        """Return the data of a session, or None if there is none."""
        store = self.store(key)

        def create():
            store._session_key = None

        # The engine "file" makes a new session in place of one that has expired.
        store.create = create
        # A cached_db writes its row first, and the row decides: what is cached may be older.
        load = DBStore.load if past_cache and isinstance(store, DBStore) else self.engine.load
        with self.route():
            data = load(store)
        return data if store.session_key == key else None

    def save(self, key, data, must_create=False):
        store = self.store(key)
        store._session_cache = data
        with self.route():
            store.save(must_create=must_create)

    def put(self, key, data):
        """Save a session whether or not it is there."""
        for must_create in [False, True] * MAX_COPIES:
            try:
                return self.save(key, data, must_create)
            except (CreateError, UpdateError):
                pass  # others create or delete it meanwhile
        raise RuntimeError("The %s session engine takes no copy of a session. Is its cache down?" % self.name)

    def exists(self, key):
        with self.route():
            return self.store().exists(key)

    def delete(self, key):
        with self.route():
            self.store().delete(key)

    def clear_expired(self):
        with self.route():
            self.engine.clear_expired()


def configure():
    """Return the old and the new engine and the phase."""
    config = getattr(settings, "SESSION_TRANSITION", None)
    if not isinstance(config, dict):
        raise ImproperlyConfigured("SESSION_TRANSITION must be a dict with 'old', 'new' and 'phase'")
    known = {"phase"} | {name + what for name in ("old", "new") for what in ("", "_cache_alias", "_database")}
    if set(config) - known:
        raise ImproperlyConfigured("SESSION_TRANSITION: unknown: %s" % ", ".join(map(repr, sorted(set(config) - known))))
    if config.get("phase") not in (1, 2, 3, 4):
        raise ImproperlyConfigured("SESSION_TRANSITION: 'phase' must be 1, 2, 3 or 4, not %r" % (config.get("phase"),))
    old, new = Side("old", config), Side("new", config)
    if old.place() == new.place():
        raise ImproperlyConfigured("SESSION_TRANSITION: 'old' and 'new' are the same engine, with the same cache and database")
    # Without the router both engines would use one table. A router before it could do the same.
    if (old.database or new.database) and list(settings.DATABASE_ROUTERS)[:1] != [__name__ + ".Router"]:
        raise ImproperlyConfigured("SESSION_TRANSITION: for a database, DATABASE_ROUTERS must begin with %r" % (__name__ + ".Router"))
    return old, new, config["phase"]


OLD, NEW, PHASE = configure()
READERS = {1: [OLD], 2: [OLD], 3: [NEW, OLD], 4: [NEW]}[PHASE]


def other(side):
    return NEW if side is OLD else OLD


def same(one, two):
    try:
        return pickle.dumps(one) == pickle.dumps(two) or one == two
    except Exception:  # values that cannot be pickled or compared
        return False


class SessionStore(SessionBase):
    def load(self):
        for side in READERS:
            data = side.load(self.session_key)
            if data is None:
                continue
            if side is not READERS[0]:
                logger.warning("A session is only in the %s engine: has migrate run?", side.name)
            return data
        self._session_key = None
        return {}

    def exists(self, session_key):
        return OLD.exists(session_key) or NEW.exists(session_key)

    def create(self):
        for _ in range(10000):  # as the engine "cache": a cache that is down refuses each key
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return
        raise RuntimeError("Unable to create a new session key. It is likely that the cache is unavailable.")

    def save(self, must_create=False):
        if self.session_key is None:
            return self.create()
        data = self._get_session(no_load=must_create)
        key = self._get_or_create_session_key()
        # The first engine with the session decides whether it may be saved.
        for side in READERS:
            try:
                side.save(key, data, must_create)
                break
            except UpdateError:
                if side is READERS[-1]:
                    raise
        self._copy(key, data, side)

    def _copy(self, key, data, decider):
        """Bring the other engine to what the deciding one holds.

        Others may save or delete the session at the same time, and their copies may be made in any
        order. So the deciding engine is read again after each copy, until it holds what was
        copied. Then the last copy is of what it held last.
        """
        copy = other(decider)
        for attempt in range(MAX_COPIES):
            time.sleep(random.random() * 0.01 * max(attempt - 1, 0))
            try:
                if PHASE == 1:
                    copy.save(key, data)
                else:
                    copy.put(key, data)
            except UpdateError:
                return  # there is no copy to update
            except (TypeError, ValueError):
                # This engine cannot hold the session, such as a datetime in JSON. No copy is
                # better than an old one: phase 3 reads old.
                logger.exception("The %s engine cannot hold a session, so it has no copy there.", copy.name)
                copy.delete(key)
                return
            now = decider.load(key, past_cache=True)
            if now is None:  # it was deleted, or has expired
                copy.delete(key)
                return
            if same(now, data):
                return
            data = now
        logger.error("A session may have an old copy in the %s engine: others save it all the time.", copy.name)

    def delete(self, session_key=None):
        key = self.session_key if session_key is None else session_key
        if key is None:
            return
        # The engine that does not decide comes first: if it is down, the user is not half logged
        # out, and can try again. It comes last, too, because a concurrent save may have copied
        # the session in between.
        decider = READERS[0]
        for side in (other(decider), decider, other(decider)):
            side.delete(key)

    @classmethod
    def clear_expired(cls):
        OLD.clear_expired()
        NEW.clear_expired()
