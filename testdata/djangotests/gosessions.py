"""Django's session engines, with a SessionStore whose methods call Go.

It inherits nothing from Django's, so that no method of Django's answers unseen. What it knows itself is where the
engine's sessions are, and how Python's values become JSON.
"""
import datetime
import importlib.util
import inspect
import tempfile
from importlib import import_module
from urllib.parse import quote, urlencode

import django
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.exceptions import InvalidSessionKey
from django.core.cache import caches
from django.core.cache.backends.filebased import FileBasedCache
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from gostore import EPOCH, MICROSECOND, GoError, gostore, to_base64, to_microseconds

EXCEPTIONS = {
    "SessionDeleted": UpdateError,
    "KeyTaken": CreateError,
    "InvalidKey": InvalidSessionKey,
    "NoValue": KeyError,
}
NOT_GIVEN = object()


def database_url(model):
    database = settings.DATABASES["default"]
    return "sqlite:///%s?%s" % (quote(str(database["NAME"])), urlencode({"table": model._meta.db_table}))


def cache_url(cache):
    if not isinstance(cache, FileBasedCache):
        raise NotImplementedError("Go cannot open a %s.%s" % (type(cache).__module__, type(cache).__name__))
    options = urlencode({"prefix": cache.key_prefix, "version": cache.version})
    return "filecache:///%s?%s" % (quote(str(cache._dir)), options)


class Store:
    """SessionBase. A subclass says where its engine keeps sessions."""

    TEST_COOKIE_NAME = SessionBase.TEST_COOKIE_NAME
    TEST_COOKIE_VALUE = SessionBase.TEST_COOKIE_VALUE

    def __init__(self, session_key=None):
        self.serializer = import_string(settings.SESSION_SERIALIZER)
        self.number = self.ask("new", key=session_key or "")

    def location(self):
        """Return the fields of Go's siteConfig that say where sessions are."""
        raise NotImplementedError

    def site(self):
        """Return the current settings, which tests override."""
        if settings.SESSION_SERIALIZER != "django.contrib.sessions.serializers.JSONSerializer":
            raise NotImplementedError("SESSION_SERIALIZER = %r" % settings.SESSION_SERIALIZER)
        return {
            "django_version": "%d.%d" % django.VERSION[:2],
            "secret_key": to_base64(settings.SECRET_KEY),
            "secret_key_fallbacks": [to_base64(key) for key in settings.SECRET_KEY_FALLBACKS],
            "cookie_age": self.get_session_cookie_age(),
            "cookie_name": settings.SESSION_COOKIE_NAME,
            "browser_close": settings.SESSION_EXPIRE_AT_BROWSER_CLOSE,
            "store_class": type(self).__qualname__,
            "use_tz": settings.USE_TZ,
            "time_zone": settings.TIME_ZONE,
            **self.location(),
        }

    def ask(self, op, **fields):
        now = to_microseconds(timezone.now())
        number = getattr(self, "number", 0)
        try:
            return gostore.ask(op, now=now, site=self.site(), session=number, **fields)
        except GoError as e:
            if e.kind in EXCEPTIONS:
                raise EXCEPTIONS[e.kind](str(e)) from None
            raise

    # The values

    def __contains__(self, key):
        return self.ask("has_key", name=key)

    def __getitem__(self, key):
        return self.ask("get", name=key)

    def __setitem__(self, key, value):
        self.ask("set", name=key, value=value)

    def __delitem__(self, key):
        self.ask("del", name=key)

    has_key = __contains__

    def get(self, key, default=None):
        try:
            return self[key]
        except KeyError:
            return default

    def pop(self, key, default=NOT_GIVEN):
        try:
            return self.ask("pop", name=key)
        except KeyError:
            if default is NOT_GIVEN:
                raise
            return default

    def setdefault(self, key, value):
        return self.ask("setdefault", name=key, value=value)

    def update(self, dict_):
        self.ask("update", pairs=list(dict_.items()))

    def keys(self):
        return self.ask("keys")

    def values(self):
        return self.ask("items").values()

    def items(self):
        return self.ask("items").items()

    def clear(self):
        self.ask("clear")

    def is_empty(self):
        return self.ask("is_empty")

    def set_test_cookie(self):
        self.ask("set_test_cookie")

    def test_cookie_worked(self):
        return self.ask("test_cookie_worked")

    def delete_test_cookie(self):
        self.ask("delete_test_cookie")

    # Its state

    def get_key(self):
        return self.ask("session_key") or None

    def set_key(self, key):
        self.ask("set_session_key", key=key or "")

    session_key = property(get_key)
    _session_key = property(get_key, set_key)

    @property
    def modified(self):
        return self.ask("modified")

    @modified.setter
    def modified(self, modified):
        self.ask("set_modified", flag=modified)

    @property
    def accessed(self):
        return self.ask("accessed")

    @accessed.setter
    def accessed(self, accessed):
        pass  # Only Go's Session sets it, and nothing unsets it.

    @property
    def _session_cache(self):
        if not self.ask("is_loaded"):
            raise AttributeError("_session_cache")
        return self.ask("items")

    @_session_cache.deleter
    def _session_cache(self):
        self.ask("forget")

    # Its expiry

    def get_session_cookie_age(self):
        return settings.SESSION_COOKIE_AGE

    def get_expiry_age(self, modification=None):
        modification = to_microseconds(modification or timezone.now())
        age = self.ask("get_expiry_age", microseconds=modification)
        return age / 1e6 if age % 1_000_000 else age // 1_000_000

    def get_expiry_date(self, modification=None):
        modification = to_microseconds(modification or timezone.now())
        date = EPOCH + MICROSECOND * self.ask("get_expiry_date", microseconds=modification)
        return date if settings.USE_TZ else timezone.make_naive(date)

    def set_expiry(self, value):
        if value is None:
            self.ask("reset_expiry")
        elif isinstance(value, datetime.timedelta):
            self.ask("set_expiry_in", microseconds=to_microseconds(value))
        elif isinstance(value, datetime.datetime):
            self.ask("set_expiry_at", microseconds=to_microseconds(value))
        else:
            self.ask("set_expiry", microseconds=round(value * 1_000_000))

    def get_expire_at_browser_close(self):
        return self.ask("get_expire_at_browser_close")

    # The store

    @property
    def key_salt(self):
        return "django.contrib.sessions." + type(self).__qualname__

    def encode(self, session_dict):
        return self.ask("encode", value=session_dict)

    def decode(self, session_data):
        return self.ask("decode", payload=session_data)

    def exists(self, session_key):
        try:
            return self.ask("exists", key=session_key or "")
        except InvalidSessionKey:
            return False

    def load(self):
        return self.ask("load")

    def create(self):
        self.ask("create")

    def save(self, must_create=False):
        self.ask("save", flag=must_create)

    def delete(self, session_key=None):
        self.ask("delete", key=session_key or "")

    def flush(self):
        self.ask("flush")

    def cycle_key(self):
        self.ask("cycle_key")

    @classmethod
    def clear_expired(cls):
        cls().ask("clear_expired")


def awaitable(method):
    async def call(self, *args, **kwargs):
        return getattr(self, method)(*args, **kwargs)

    return call


# The asynchronous methods of Django have the same names with an "a" in front.
for name in dir(SessionBase):
    if inspect.iscoroutinefunction(getattr(SessionBase, name)) and not name.startswith("_"):
        setattr(Store, name, awaitable({"aset": "__setitem__"}.get(name, name[1:])))


class DatabaseStore(Store):
    @classmethod
    def get_model_class(cls):
        from django.contrib.sessions.models import Session  # once the apps are loaded

        return Session

    @property
    def model(self):
        return self.get_model_class()

    def location(self):
        return {"url": database_url(self.model)}


class CacheStore(Store):
    cache_key_prefix = "django.contrib.sessions.cache"

    def __init__(self, session_key=None):
        self._cache = caches[settings.SESSION_CACHE_ALIAS]
        super().__init__(session_key)

    @property
    def cache_key(self):
        return self.cache_key_prefix + self.session_key

    async def acache_key(self):
        return self.cache_key

    def location(self):
        return {"url": cache_url(self._cache)}


class CachedDatabaseStore(CacheStore, DatabaseStore):
    cache_key_prefix = "django.contrib.sessions.cached_db"

    def location(self):
        return {"url": database_url(self.model), "cache_url": cache_url(self._cache)}


class FileStore(Store):
    @classmethod
    def _get_storage_path(cls):
        return settings.SESSION_FILE_PATH or tempfile.gettempdir()

    def __init__(self, session_key=None):
        # Django stores the folder in the class, and its tests delete it there.
        type(self)._storage_path = self._get_storage_path()
        try:
            super().__init__(session_key)
        except GoError as e:
            raise ImproperlyConfigured(str(e)) from None

    def _key_to_file(self, session_key):
        """Return no file. The tests call it to learn whether the key is valid."""
        self.ask("exists", key=session_key)

    def clean(self):
        """Do nothing, as in Django 4.2."""

    def location(self):
        return {"url": "file:///%s" % quote(str(self._get_storage_path()))}


class CookieStore(Store):
    def location(self):
        return {}


ENGINES = {
    "db": DatabaseStore,
    "cached_db": CachedDatabaseStore,
    "cache": CacheStore,
    "file": FileStore,
    "signed_cookies": CookieStore,
}
# Go writes rows without Django's model.
NOT_ANSWERED = {"create_model_instance", "acreate_model_instance"}


def install():
    """Replace Django's classes. The names stay, since the salt of signatures contains them."""
    modules = {name: import_module("django.contrib.sessions.backends." + name) for name in ENGINES}
    for name, module in modules.items():
        store = type("SessionStore", (ENGINES[name],), {"__module__": module.__name__})
        public = {attribute for attribute in dir(module.SessionStore) if not attribute.startswith("_")}
        if missing := public - set(dir(store)) - NOT_ANSWERED:
            raise NotImplementedError("engine %s: Go does not answer for %s" % (name, sorted(missing)))
        module.Original, module.SessionStore = module.SessionStore, store


def keep_model():
    """Let the model Session use Django's own code, since tests look into the table with it."""
    from django.contrib.sessions.backends import base, db
    from django.contrib.sessions.models import Session

    spec = importlib.util.find_spec("django.core.signing")
    base.signing = importlib.util.module_from_spec(spec)  # in django.core.signing itself Go answers
    spec.loader.exec_module(base.signing)
    Session.get_session_store_class = classmethod(lambda cls: db.Original)
