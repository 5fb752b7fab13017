"""The stores of middleware_peer.py for the engines that use a cache."""
import base64
import pickle
import socket
import urllib.parse

from django.core.cache import caches
from django.core.cache.backends import db as database_cache
from django.core.management import call_command
from django.db import connection

NOWS.append((database_cache, "tz_now"))
call_command("createcachetable", verbosity=0)  # if the site has such a cache


class Cache(DB):
    """A cache holds the dict without a signature, so a wrong signature does not exist here."""

    prefix = "django.contrib.sessions.cache"

    def __init__(self, row):
        self.cache = caches[settings.SESSION_CACHE_ALIAS]
        self.items = ITEMS[settings.CACHES[settings.SESSION_CACHE_ALIAS]["BACKEND"]]
        # A server has a clock of its own, which does not stand still.
        self.about = "" if self.items is database_items else "~"

    def encode(self, values):
        return values

    def damaged(self, values, how):
        if how in ("", "other secret", "fallback"):
            return values
        return [1, 2] if how == "list" else how

    def reset(self, sessions):
        self.clear()
        for key, value, end in sessions:
            self.cache.set(self.prefix + key, value, (end - timezone.now()).total_seconds())

    def clear(self):
        """Delete the items one by one: Memcached's flush_all only knows whole seconds."""
        for cache_key, *_ in list(self.items(self.cache)):
            self.cache.delete(cache_key.removeprefix(self.cache.make_key("")))

    def all(self):
        for cache_key, stored, value, left in self.items(self.cache):
            ends = " forever" if left is None else " until " + self.about + seconds(left)
            yield self.session_key(cache_key), base64.b64encode(stored).decode(), text(value) + ends

    def with_time_left(self):
        """Yield each session key, with its value as text and the time that it has left."""
        for cache_key, _, value, left in self.items(self.cache):
            yield self.session_key(cache_key), (text(value), left)

    def session_key(self, cache_key):
        before, found, key = cache_key.partition(self.cache.make_key(self.prefix))
        return key if found and not before else "cache key " + cache_key


def text(value):
    """Return a value as JSON, or as Python if JSON would lose something."""
    try:
        as_json = json.dumps(value, separators=(",", ":"))
        if repr(json.loads(as_json)) == repr(value):
            return as_json
    except (TypeError, ValueError):
        pass
    return repr(value)


def database_items(cache):
    """Yield the key of each item, bytes that every write changes, the value, and the microseconds that it has left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, value, expires, CAST(expires AS text) FROM %s" % cache._table)
        rows = cursor.fetchall()
    for key, value, end, spelled in rows:
        if len(spelled) != len("2000-01-01 00:00:00"):
            raise ValueError("expires is %r" % spelled)
        if settings.USE_TZ:
            end = timezone.make_aware(end, connection.timezone)
        stored = base64.b64decode(value, validate=True)
        yield key, stored, pickle.loads(stored), left(end)


def redis_items(cache):
    client = cache._cache.get_client()
    for key in client.scan_iter(count=1000):
        stored, end = client.get(key), client.pexpiretime(key)
        if stored is not None:  # otherwise it has just expired
            yield key.decode(), b"%d " % end + stored, pickle.loads(stored), left_until(end / 1000)


def memcached_items(cache):
    host, port = cache._servers[0].split(":")
    with socket.create_connection((host, port)) as server, server.makefile("rwb") as lines:

        def command(*words):
            lines.write(b" ".join(words) + b"\r\n")
            lines.flush()

        # The dump leaves out an item that a connection is reading. So the keys that are known are asked for, too.
        keys = {cache.make_key(Cache.prefix + key).encode() for key in KEYS.values()}
        command(b"lru_crawler metadump all")
        for line in iter(lines.readline, b"END\r\n"):
            keys.add(urllib.parse.unquote_to_bytes(line.split()[0].removeprefix(b"key=")))
        for key in keys:
            command(b"mg", key, b"c", b"f", b"t", b"v")
            head = lines.readline().split()
            if head[0] == b"EN":
                continue  # it is missing, or has expired
            stored = lines.read(int(head[1]) + 2)[:-2]
            cas, flags, ttl = (int(flag[1:]) for flag in head[2:])
            value = cache._lib.serde.pickle_serde.deserialize(key, stored, flags)
            yield key.decode(), b"%d " % cas + stored, value, None if ttl < 0 else ttl * 1000000


def left_until(unix):
    """Return the microseconds that are left by the clock of a server. None means that the item does not expire."""
    return None if unix < 0 else round((unix - time.time()) * 1000000)


ITEMS = {
    "django.core.cache.backends.db.DatabaseCache": database_items,
    "django.core.cache.backends.redis.RedisCache": redis_items,
    "django.core.cache.backends.memcached.PyMemcacheCache": memcached_items,
}


class CachedDB(DB):
    """Rows with a cache in front of them. After a write of a row, Django sets the cached entry. djsess deletes it, so that
    a late write cannot cache an old session. So all() shows an entry only if it differs from its row.

    If row["cache"] is "warm", the cache holds all sessions. Then the damage that row["payload"] describes is in the cached
    entry of the session live and not in its row, except a signature with another secret."""

    def __init__(self, row):
        self.warm = row["cache"] == "warm"
        self.rows, self.entries = DB(row), Cache(row)
        self.entries.prefix = "django.contrib.sessions.cached_db"

    def encode(self, values):
        return self.rows.encode(values), values

    def damaged(self, values, how):
        if self.warm and how not in ("other secret", "fallback"):
            return self.rows.encode(values), self.entries.damaged(values, how)
        return self.rows.damaged(values, how), values

    def reset(self, sessions):
        self.rows.reset([(key, payload, end) for key, (payload, _), end in sessions])
        self.entries.reset([(key, value, end) for key, (_, value), end in sessions if self.warm])

    def all(self):
        entries = dict(self.entries.with_time_left())
        for row in Session.objects.all():
            payload = row.session_data
            holds, key = self.rows.read(payload), row.session_key
            value, end = entries.pop(key, (None, None))
            if value is not None:
                if value != holds:
                    holds += " cached " + value
                if end is None or end > left(row.expire_date) + TOLERANCE:
                    holds += " cached for too long"
            yield key, payload, holds + " until " + seconds(left(row.expire_date))
        for key, (value, end) in entries.items():
            yield key, "", "only cached " + value


# A cache with a clock of its own may keep an entry for so many microseconds too long.
TOLERANCE = 30 * 1000000

STORES["django.contrib.sessions.backends.cache"] = Cache
STORES["django.contrib.sessions.backends.cached_db"] = CachedDB
