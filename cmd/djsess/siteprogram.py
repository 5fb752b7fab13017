# Writes what djsess must know of a Django site as JSON, for `djsess settings`. It runs in the site's Python (3.5 or later)
# and takes two arguments: the path of manage.py, or "" for the site of $DJANGO_SETTINGS_MODULE, and a random text, or "".
# With that text it writes a line for `djsess init` before the JSON. Its result goes to the first standard output. All else
# that the site prints goes to standard error, and last of all why the site did not start.
import os
import sys

sys.path[0:1] = []  # the current folder, which may be anybody's
result = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)

import datetime
import hashlib
import hmac
import json
import pickle
import re
import runpy
import tempfile
import traceback
import uuid
from importlib import import_module
from urllib.parse import quote, unquote, urlencode, urlsplit

left_out = []

# HIDDEN_SETTINGS of Django 5.2 and later. Older releases have fewer words.
hidden = re.compile("API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE", re.I)


def leave_out(name, reason):
    text = "%s: %s" % (name, reason)
    if text not in left_out:
        left_out.append(text)


def without_password(url, name):
    """Returns a URL without its passwords."""
    scheme, separator, rest = str(url).partition("://")
    if not separator:
        return str(url)
    rest, _, query = rest.partition("?")
    if "@" in query:
        leave_out(name, "a URL with an @ after the ?, which may be the end of a password")
        return ""
    # A password may hold any character, also one that should have been percent-encoded.
    login, at, host = rest.rpartition("@")
    user, colon, password = login.partition(":")
    options = [option for option in re.split("[&;]", query) if option]
    kept = [option for option in options if not hidden.search(option.partition("=")[0])]
    if password or len(kept) < len(options):
        leave_out(name, "the password in the URL")
    return scheme + "://" + (user + at if user else "") + host + ("?" + "&".join(kept) if kept else "")


def plain(value, name):
    """Returns a setting's value as JSON has it, with lazy texts and paths as texts."""
    if name in flags:
        return bool(value)  # Django, too, asks only whether it is true
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value)  # timedelta(days=30).total_seconds()
    if isinstance(value, (list, tuple, set)):
        return [plain(item, name) for item in value]
    return without_password(value, name)


def with_options(url, options):
    options = [(name, value) for name, value in options if value not in (None, "")]
    return url + ("&" if "?" in url else "?") + urlencode(options, quote_via=quote) if options else url


def unused(options, name):
    for option in sorted(options):
        leave_out("%s['OPTIONS']['%s']" % (name, option), "a secret" if hidden.search(option) else "djsess does not copy this option")


def table_name(db_table):
    """Returns schema.table for a table that a model or a LOCATION spells '"schema"."table"'."""
    return db_table.replace('"', "").replace("`", "")


def without_secret_parameters(options, name):
    """Returns libpq's "options" without the server parameters that are secrets by their names."""

    def keep(match):
        if not hidden.search(match.group(1)):
            return match.group()
        leave_out("%s['OPTIONS']['options']" % name, "the value of %s, a secret" % match.group(1))
        return ""

    return re.sub(r"(?:-c\s*|--)([^\s=]+)=(?:\\.|\S)*", keep, str(options)).strip()


def database_url(alias, table=None, model=None):
    """Returns the URL of a database, or None."""
    from django.conf import settings
    from django.db import connections

    conf = settings.DATABASES[alias]
    name = "DATABASES['%s']" % alias
    options = dict(conf.get("OPTIONS") or {})
    vendor = "oracle" if conf["ENGINE"].endswith(".oracle") else connections[alias].vendor  # whose driver is not needed here
    if conf.get("PASSWORD"):
        leave_out(name + "['PASSWORD']", "a secret")
    query = [("table", table), ("model", model)]
    if vendor == "sqlite":
        path = str(conf["NAME"])
        if path.startswith("file:") or ":memory:" in path:
            leave_out(name, "djsess opens SQLite files by their path")
            return None
        query += [("time_zone", conf.get("TIME_ZONE")), ("timeout", options.pop("timeout", None))]
        unused(options, name)
        return with_options("sqlite:///" + quote(os.path.abspath(path)), query)
    if vendor not in ("postgresql", "mysql"):
        leave_out(name, "djsess has no store for the database %s" % vendor)
        return None
    host, port = str(conf.get("HOST") or ""), str(conf.get("PORT") or "")
    if vendor == "mysql":
        if {"read_default_file", "read_default_group"} & set(options):
            leave_out(name, "djsess does not read the file that says where the database is")
            return None
        query += [("time_zone", conf.get("TIME_ZONE"))]
        query += [(option, options.pop(option, None)) for option in ("charset", "unix_socket", "ssl_mode")]
        tls = options.pop("ssl", None)
        if isinstance(tls, dict) and list(tls) == ["ca"]:
            query.append(("ssl-ca", tls["ca"]))
        elif tls:
            leave_out(name, "djsess does not copy its way to encrypt the connection")
            return None
    else:
        if options.get("options"):
            options["options"] = without_secret_parameters(options["options"], name)
        query += [(option, options.pop(option, None)) for option in ("service", "sslmode", "channel_binding", "sslrootcert", "sslcert", "options", "connect_timeout")]
        if "," in host:
            query += [("host", host), ("port", port)]
            host = port = ""
    unused(options, name)
    named = {option for option, value in query if value}
    if host or named & {"host", "service", "unix_socket"}:
        pass
    elif vendor == "postgresql" and os.path.isdir("/var/run/postgresql"):
        host = "/var/run/postgresql"  # libpq's default is a socket, lib/pq's is not
    else:
        host = "localhost"
    if ":" in host and not host.startswith("/"):
        host = "[" + host + "]"
    else:
        host = quote(host, safe="")
    if not conf["NAME"] and "service" not in named:
        leave_out(name, "it has no NAME")
        return None
    user = quote(str(conf["USER"]), safe="") + "@" if conf.get("USER") else ""
    scheme = "postgres" if vendor == "postgresql" else "mysql"
    return with_options("%s://%s%s%s/%s" % (scheme, user, host, ":" + port if port else "", quote(str(conf["NAME"]), safe="")), query)


def class_names(cls):
    return [base.__module__ + "." + base.__name__ for base in cls.__mro__]


# Redis clients' serializers and compressors, by the names of their classes.
redis_serializers = {"PickleSerializer": "pickle", "JSONSerializer": "json", "MSGPackSerializer": "msgpack"}
redis_compressors = {
    "IdentityCompressor": None, "ZlibCompressor": "zlib", "GzipCompressor": "gzip", "LzmaCompressor": "lzma", "Lz4Compressor": "lz4",
    "ZStdCompressor": "zstd",
}  # fmt: skip

memcached_hashes = {
    "django.core.cache.backends.memcached.PyMemcacheCache": "pymemcache",
    "django.core.cache.backends.memcached.PyLibMCCache": "pylibmc",
    "django.core.cache.backends.memcached.MemcachedCache": "python-memcached",
}


def is_django_redis(cache):
    return "django_redis.cache.RedisCache" in class_names(type(cache))


def server_separators(cache):
    """Returns a regular expression for what is between the servers of a LOCATION."""
    return "," if is_django_redis(cache) else "[;,]"


def redis_url(servers, name, client, options):
    """Returns the URL of a Redis and its replicas, or None."""
    if any(not re.match("rediss?://", server) for server in servers):
        leave_out(name, "djsess does not know how to write this LOCATION as a URL: see docs/stores.md")
        return None
    if options.get("CLIENT_CLASS", "DefaultClient").rpartition(".")[2] != "DefaultClient":
        leave_out(name, "the URL of a CLIENT_CLASS of its own: see docs/stores.md")
        return None
    options.pop("CLIENT_CLASS", None)
    query = [("client", client), ("db", options.pop("db", None)), ("username", options.pop("username", None))]
    for option, values in (("SERIALIZER", redis_serializers), ("COMPRESSOR", redis_compressors)):
        path = options.pop(option, None)
        if path is None:
            continue
        path = path if isinstance(path, str) else path.__name__
        value = path.rpartition(".")[2]
        if client is None or value not in values:
            leave_out(name, "djsess has no %s %s" % (option, path))
            return None
        query.append((option.lower(), values[value]))
    for server in servers[1:]:
        parts = urlsplit(server)
        query.append(("replica", "%s:%s" % (parts.hostname, parts.port or 6379)))
    unused(options, name)
    return with_options(servers[0], query)


def cache_url(alias):
    """Returns the URL of a cache, or None."""
    from django.conf import settings
    from django.core.cache import caches
    from django.db import router

    conf = settings.CACHES[alias]
    name = "CACHES['%s']" % alias
    options = dict(conf.get("OPTIONS") or {})
    cache = caches[alias]
    names = class_names(type(cache))
    location = conf.get("LOCATION") or ""
    servers = location if isinstance(location, (list, tuple)) else re.split(server_separators(cache), str(location))
    servers = [without_password(server.strip(), name + "['LOCATION']") for server in map(str, servers)]
    if conf.get("KEY_FUNCTION"):
        leave_out(name, "its KEY_FUNCTION: in Go set cachestore.Config.KeyFunction")
        return None
    if is_django_redis(cache):
        url = redis_url(servers, name, "django-redis", options)
    elif "django.core.cache.backends.redis.RedisCache" in names:
        url = redis_url(servers, name, None, options)
    elif "django.core.cache.backends.filebased.FileBasedCache" in names:
        url = "filecache:///" + quote(os.path.abspath(str(location)))
    elif "django.core.cache.backends.db.DatabaseCache" in names:
        url = database_url(router.db_for_read(cache.cache_model_class), table_name(location))
        url = url and "dbcache+" + url
    else:
        hashes = [memcached_hashes[class_name] for class_name in names if class_name in memcached_hashes]
        servers = [re.sub("^unix:", "", server) for server in servers]
        url = None
        if not hashes:
            leave_out(name, "djsess has no store for the cache %s" % names[0])
        elif len(servers) > 1 and any(server.startswith("/") for server in servers):
            leave_out(name, "djsess does not know how to write this LOCATION as a URL: see docs/stores.md")
        else:
            url = with_options("memcached://" + ",".join(servers), [("hash", hashes[0])])
    version = conf.get("VERSION", 1)
    return url and with_options(url, [("prefix", conf.get("KEY_PREFIX")), ("version", None if version == 1 else version)])


# Session models of packages: djsess's name of the model, and its table.
known_models = {
    "user_sessions.Session": ("user_sessions", "user_sessions_session"),
    "qsessions.Session": ("qsessions", "qsessions_session"),
}


def own_fields(model):
    """Returns the fields that a session model has besides Django's."""
    return [field for field in model._meta.concrete_fields if field.column not in ("session_key", "session_data", "expire_date")]


def session_store():
    """Returns where the sessions are, and the site's session class."""
    from django.conf import settings
    from django.db import router

    cls = import_module(settings.SESSION_ENGINE).SessionStore
    names = class_names(cls)
    backends = "django.contrib.sessions.backends."
    is_engine = lambda engine: backends + engine + ".SessionStore" in names  # noqa: E731
    store = {"engine": None, "url": None, "cache": None}
    if is_engine("db"):  # cached_db is one, too
        store["engine"] = "cached_db" if is_engine("cached_db") else "db"
        model = cls.get_model_class()
        table = table_name(model._meta.db_table)
        known = known_models.get(model._meta.label)
        store["url"] = database_url(router.db_for_write(model), None if table in ("django_session", known and known[1]) else table, known and known[0])
        own = [field.column for field in own_fields(model)]
        if own and not known:
            leave_out("store", "the session table's columns %s, which djsess must be told how to fill" % ", ".join(own))
    if is_engine("cached_db") or is_engine("cache"):
        store["engine"] = store["engine"] or "cache"
        prefix = cls.cache_key_prefix if cls.cache_key_prefix != "django.contrib.sessions." + store["engine"] else None
        url = cache_url(settings.SESSION_CACHE_ALIAS)
        store["cache" if store["engine"] == "cached_db" else "url"] = url and with_options(url, [("session_prefix", prefix)])
    elif is_engine("file"):
        store["engine"] = "file"
        store["url"] = "file:///" + quote(os.path.abspath(settings.SESSION_FILE_PATH or tempfile.gettempdir()))
    elif is_engine("signed_cookies"):
        store["engine"] = "signed_cookies"
    if store["engine"] is None:
        leave_out("store", "djsess has no store for the engine %s" % settings.SESSION_ENGINE)
    return store, cls


integer_fields = {
    "AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField", "SmallIntegerField",
    "PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField",
}  # fmt: skip


def users(model):
    """Describes the table of the user model. It returns None if djsess cannot read it."""
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.db import router

    meta = model._meta
    local = {field.name: field.column for field in meta.concrete_fields if field.model is model or field.model._meta.db_table == meta.db_table}
    pk = meta.pk
    while pk.remote_field is not None:
        pk = pk.target_field
    kind = pk.get_internal_type()
    username = model.USERNAME_FIELD
    missing = [name for name in (username, "password") if name not in local]
    if missing:
        leave_out("users", "%s has no column %s of its own: see UserModel" % (meta.db_table, ", ".join(missing)))
        return None
    if "is_active" not in local and not isinstance(getattr(model, "is_active", True), bool):
        leave_out("users.is_active", "it is no column: set Auth.UserCanAuthenticate")
    if not hasattr(model, "get_session_auth_hash"):
        auth_hash, inherits = "none", False
    else:
        overridden = [
            name for name in ("get_session_auth_hash", "_get_session_auth_hash")
            if getattr(model, name, None) is not getattr(AbstractBaseUser, name, None)
        ]  # fmt: skip
        auth_hash = "own" if overridden else "django"
        fallback = getattr(AbstractBaseUser, "get_session_auth_fallback_hash", None)
        inherits = "get_session_auth_hash" in overridden and getattr(model, "get_session_auth_fallback_hash", 0) is fallback
    return {
        "model": meta.label,
        "url": database_url(router.db_for_read(model)),
        "table": table_name(meta.db_table),
        "id": meta.pk.column,
        "id_type": "integer" if kind in integer_fields else "uuid" if kind == "UUIDField" else "text",
        "username": local[username],
        "password": local["password"],
        "is_active": local.get("is_active"),
        "last_login": local.get("last_login"),
        "auth_hash": auth_hash,
        "inherits_fallback_hash": inherits,
    }


# Settings of which only counts whether they are true.
flags = """
USE_TZ SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_SAVE_EVERY_REQUEST SESSION_EXPIRE_AT_BROWSER_CLOSE
USE_X_FORWARDED_HOST CSRF_USE_SESSIONS CSRF_COOKIE_SECURE CSRF_COOKIE_HTTPONLY
""".split()

names = flags + """
TIME_ZONE SESSION_ENGINE SESSION_SERIALIZER SESSION_COOKIE_AGE SESSION_COOKIE_NAME SESSION_COOKIE_DOMAIN SESSION_COOKIE_PATH
SESSION_COOKIE_SAMESITE AUTHENTICATION_BACKENDS LOGIN_URL ALLOWED_HOSTS SECURE_PROXY_SSL_HEADER CSRF_COOKIE_NAME CSRF_COOKIE_AGE
CSRF_COOKIE_DOMAIN CSRF_COOKIE_PATH CSRF_COOKIE_SAMESITE
""".split()


def login_url(name):
    """Returns the URL of a name in the URLconf. The site may have none of this name, and never use it."""
    from django.shortcuts import resolve_url
    from django.urls import NoReverseMatch

    try:
        return resolve_url(name)
    except NoReverseMatch:
        leave_out("LOGIN_URL", "the URLconf has no %s" % name)
        return None


def describe():
    import django
    from django.apps import apps
    from django.conf import settings

    django.setup()
    values = {name: plain(getattr(settings, name), name) for name in names}
    for name in ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE"):
        values[name] = values[name] or None  # False and None both leave it out
    if (3, 1) <= django.VERSION < (4, 0):
        values["DEFAULT_HASHING_ALGORITHM"] = settings.DEFAULT_HASHING_ALGORITHM
    if settings.DEBUG and not values["ALLOWED_HOSTS"]:
        values["ALLOWED_HOSTS"] = [".localhost", "127.0.0.1", "[::1]"]
    if values["LOGIN_URL"] and "/" not in values["LOGIN_URL"]:
        values["LOGIN_URL"] = login_url(values["LOGIN_URL"])
    leave_out("SECRET_KEY", "a secret")
    fallbacks = len(getattr(settings, "SECRET_KEY_FALLBACKS", ()))
    if fallbacks:
        leave_out("SECRET_KEY_FALLBACKS", "%d %s" % (fallbacks, "secrets" if fallbacks > 1 else "secret"))
    store, cls = session_store()
    values["SESSION_STORE_CLASS"] = cls.__qualname__
    user_model = None
    if apps.is_installed("django.contrib.auth"):
        from django.contrib.auth import get_user_model

        user_model = users(get_user_model())
    return {
        "djsess_settings": 1,
        "django": "%d.%d.%d" % django.VERSION[:3],
        "settings": values,
        "store": store,
        "users": user_model,
        "left_out": left_out,
    }


def fingerprint(secret, text):
    """Returns what lets djsess recognize a secret where it is kept, and nobody guess it."""
    secret = secret if isinstance(secret, bytes) else str(secret).encode("utf-8", "surrogatepass")
    return hmac.new(text.encode(), secret, hashlib.sha256).hexdigest()


def database_password(alias):
    """Returns the password of a database, the name of its setting, and the Python that has it."""
    from django.conf import settings

    return settings.DATABASES[alias].get("PASSWORD"), "DATABASES['%s']['PASSWORD']" % alias, 'settings.DATABASES[%s]["PASSWORD"]' % json.dumps(alias)


def cache_password(alias):
    """Returns the same for a cache. In a URL it is that of the first server."""
    from django.conf import settings
    from django.core.cache import caches
    from django.db import router

    if "django.core.cache.backends.db.DatabaseCache" in class_names(type(caches[alias])):
        return database_password(router.db_for_read(caches[alias].cache_model_class))
    conf = settings.CACHES[alias]
    name, python = "CACHES['%s']" % alias, "settings.CACHES[%s]" % json.dumps(alias)
    for option in ("PASSWORD", "password"):
        password = (conf.get("OPTIONS") or {}).get(option)
        if password:
            return password, "%s['OPTIONS']['%s']" % (name, option), '%s["OPTIONS"]["%s"]' % (python, option)
    location, python = conf.get("LOCATION") or "", python + '["LOCATION"]'
    if isinstance(location, (list, tuple)):
        location, python = location[0] if location else "", python + "[0]"
    else:
        separators = server_separators(caches[alias])
        location, python = re.split(separators, str(location))[0], '__import__("re").split("%s", str(%s))[0]' % (separators, python)
    url = str(location).partition("?")[0]
    login, at, _ = url.partition("://")[2].rpartition("@")
    python = '__import__("urllib.parse").parse.unquote(%s.partition("?")[0].partition("://")[2].rpartition("@")[0].partition(":")[2])' % python
    return unquote(login.partition(":")[2]), name + "['LOCATION']", python


def stores_and_passwords(file, cls, text):
    """Returns the stores of the site that could hold sessions besides that which does, and the passwords of all stores."""
    from django.apps import apps
    from django.conf import settings
    from django.db import router

    stores, passwords, urls = [], [], []
    plain_url = lambda url: url and url.partition("?")[0]  # noqa: E731

    def add(name, url, found):
        password, setting, python = found
        urls.append(url)
        if password:
            passwords.append({"store": name, "setting": setting, "python": python, "fingerprint": fingerprint(password, text)})

    store, model = file["store"], None
    if store["engine"] in ("db", "cached_db"):
        model = cls.get_model_class()
        alias = router.db_for_write(model)
        add("site-database" if store["engine"] == "cached_db" else "site", store["url"], database_password(alias))
    if store["engine"] in ("cache", "cached_db"):
        cached = store["engine"] == "cached_db"
        add("site-cache" if cached else "site", store["cache" if cached else "url"], cache_password(settings.SESSION_CACHE_ALIAS))
    if file["users"]:
        from django.contrib.auth import get_user_model

        add("site-users", file["users"]["url"], database_password(router.db_for_read(get_user_model())))
    used = [plain_url(url) for url in urls[: len(urls) - bool(file["users"])]]
    if apps.is_installed("django.contrib.sessions"):
        from django.contrib.sessions.models import Session

        for alias in settings.DATABASES:
            if settings.DATABASES[alias].get("ENGINE") and router.allow_migrate_model(alias, Session):
                name, setting = "database" if alias == "default" else "database-" + alias, "DATABASES['%s']" % alias
                url = attempt(None, setting, database_url, alias)
                if url and plain_url(url) not in used:
                    stores.append({"name": name, "setting": setting, "url": url})
                    add(name, url, database_password(alias))
    for alias in settings.CACHES:
        backend = settings.CACHES[alias]["BACKEND"]
        if alias == settings.SESSION_CACHE_ALIAS and store["engine"] in ("cache", "cached_db") or re.search("LocMemCache|DummyCache", backend):
            continue
        name, setting = "cache" if alias == "default" else "cache-" + alias, "CACHES['%s']" % alias
        url = attempt(None, setting, cache_url, alias)
        if url:
            stores.append({"name": name, "setting": setting, "url": url})
            add(name, url, cache_password(alias))
    return stores, passwords


def is_now(value):
    return isinstance(value, datetime.datetime) and abs(datetime.datetime.now(value.tzinfo) - value) < datetime.timedelta(minutes=1)


def own_columns(cls, users):
    """Returns what the site's session class writes into each column of its own. It asks create_model_instance."""
    fields = own_fields(cls.get_model_class())
    number = "7264193" if users is None or users["id_type"] != "uuid" else str(uuid.UUID(int=7264193))

    def instance(data):
        session = cls("0" * 32)
        session._session_cache = data  # so that nothing is loaded
        return session.create_model_instance(data)

    empty, full = instance({}), instance({"_auth_user_id": number})
    columns, unknown = {}, []
    for field in fields:
        target = field
        while target.remote_field is not None:
            target = target.target_field
        kind = target.get_internal_type()
        before, after = getattr(empty, field.attname), getattr(full, field.attname)
        if getattr(field, "auto_now", False) or is_now(after):
            columns[field.column] = "now"
        elif getattr(field, "auto_now_add", False):
            columns[field.column] = "created"
        elif str(after) == number and str(before) != number:
            columns[field.column] = {"value": "_auth_user_id", "type": "integer" if kind in integer_fields else "uuid" if kind == "UUIDField" else "text"}
            if isinstance(before, (bool, int, str)):
                columns[field.column]["otherwise"] = before
        elif before is None and after is None and field.null:
            columns[field.column] = "null"
        elif before == after and isinstance(before, (bool, int, str)):
            columns[field.column] = {"constant": before}
        else:
            unknown.append(field.column)
    return columns, unknown


def serializer_words():
    """Returns djsess's words for what a serializer of the site's own writes, and for what it reads besides."""
    from django.conf import settings
    from django.utils.module_loading import import_string

    sample = {"a": [1]}
    serializer = import_string(settings.SESSION_SERIALIZER)()
    forms = {"json": b'{"a":[1]}', "pickle": pickle.dumps(sample, 2)}

    def reads(form, data):
        try:
            return (json.loads(data.decode("ascii")) if form == "json" else pickle.loads(data)) == sample
        except Exception:
            return False

    def site_reads(data):
        try:
            return serializer.loads(data) == sample
        except Exception:
            return False

    written = serializer.dumps(sample)
    writes = [form for form in sorted(forms) if reads(form, written)]
    return writes and writes + [form for form in sorted(forms) if form not in writes and site_reads(forms[form])]


def attempt(default, name, f, *args):
    """Returns f(*args). If the site's own code fails, it returns the default."""
    try:
        return f(*args)
    except Exception as e:
        leave_out(name, "the site's own code fails with %s" % type(e).__name__)
        return default


def more_for_init(file, text):
    """Returns what djsess.toml needs and the settings file does not have."""
    from django.conf import settings

    del left_out[:]
    cls = import_module(settings.SESSION_ENGINE).SessionStore
    stores, passwords = attempt(([], []), "stores", stores_and_passwords, file, cls, text)
    columns, unknown = {}, []
    if own_model(file, cls):
        columns, unknown = attempt(({}, [field.column for field in own_fields(cls.get_model_class())]), "columns", own_columns, cls, file["users"])
    serializer = []
    if not settings.SESSION_SERIALIZER.startswith("django.contrib.sessions.serializers."):
        serializer = attempt([], "SESSION_SERIALIZER", serializer_words)
    return {
        "settings_module": os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        "secret_key": fingerprint(settings.SECRET_KEY, text),
        "fallbacks": [fingerprint(key, text) for key in getattr(settings, "SECRET_KEY_FALLBACKS", ())],
        "stores": stores,
        "passwords": passwords,
        "columns": columns,
        "unknown_columns": unknown,
        "serializer": serializer,
        "left_out": left_out,
    }


def own_model(file, cls):
    """Reports whether the sessions are in a table with columns of the site's own, which djsess has no name for."""
    if file["store"]["engine"] not in ("db", "cached_db"):
        return False
    model = cls.get_model_class()
    return model._meta.label not in known_models and bool(own_fields(model))


def write(*_):
    file = describe()
    text = json.dumps(file, indent=2).encode() + b"\n"
    if random_text:
        result.write(json.dumps(more_for_init(file, random_text)).encode() + b"\n")
    result.write(text)
    result.flush()
    os._exit(0)  # without what the site would do at its end, or after the command


def main(manage):
    if not manage:
        write()
    # Let manage.py choose the settings in its own way, and run in place of the command that it would run.
    import django.core.management

    django.core.management.ManagementUtility.execute = write
    sys.argv = [manage, "shell"]
    sys.path.insert(0, os.path.dirname(os.path.abspath(manage)))
    runpy.run_path(manage, run_name="__main__")
    sys.exit("%s ran no command of Django's" % manage)


def without_secrets(text):
    """Returns a text without the values of the site's variables and settings whose names are those of secrets."""
    values = list(os.environ.items())
    module = sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", ""))
    values += list(vars(module).items()) if module else []
    for name, value in values:
        if hidden.search(name) and isinstance(value, str) and len(value) > 3:
            text = text.replace(value, "...")
    return re.sub(r"(://[^\s:/]*):\S*@", r"\1:...@", text)


_, manage, random_text = sys.argv
try:
    main(manage)
except Exception as e:
    text = "%s: %s" % (type(e).__name__, " ".join(str(e).split()))
    folder = os.path.dirname(os.path.abspath(manage)) + os.sep
    own = [frame for frame in traceback.extract_tb(e.__traceback__) if frame[0].startswith(folder) and "site-packages" not in frame[0]]
    if own and not isinstance(e, SyntaxError):  # whose text has the line
        text += " (%s, line %d)" % (own[-1][0], own[-1][1])
    sys.exit(without_secrets(text))
