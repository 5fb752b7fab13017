"""The file of vectors, and the helpers that all kinds of vectors share."""
import json
import logging
import platform
import zlib

import django
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing

SESSION_SALT = "django.contrib.sessions.SessionStore"
LEGACY_SALT = "django.contrib.sessionsSessionStore"  # Up to 3.0, and sha1 in 3.1 and 3.2.

BYTES_KEY = b"\x00\xff bytes \x80"  # SECRET_KEY need not be text.

logging.getLogger("django.security").addHandler(logging.NullHandler())  # Bad signatures are what it is about.


class Writer:
    """vectors.jsonl, with the version and the clock that its cases depend on."""

    def __init__(self, path, version, clock, rng):
        self.file = open(path, "w", encoding="ascii")
        self.version, self.clock, self.rng = version, clock, rng
        self.signed = version != "2.2"  # payloads are signing.dumps()
        self.sha1 = version == "3.2"  # DEFAULT_HASHING_ALGORITHM may be sha1
        self.fallbacks = version not in ("2.2", "3.2")
        self.algorithms = version != "2.2"  # Signer(algorithm=...), salted_hmac(algorithm=...)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()

    def write(self, kind, name, **fields):
        self.file.write(json.dumps(dict({"kind": kind, "name": name}, **fields)) + "\n")


def meta(w, secret_key, fallbacks):
    w.write(
        "meta",
        "django",
        version=django.get_version(),
        python=platform.python_version(),
        zlib=zlib.ZLIB_RUNTIME_VERSION,
        secret_key=secret_key,
        fallbacks=fallbacks,
        seed=int(w.version.replace(".", "")),
        now=w.clock.now,
    )


def as_json(value):
    """Return a value as Django serializes it."""
    return JSONSerializer().dumps(value).decode("latin-1")


def store():
    return SessionStore()


def sign_payload(text, salt=SESSION_SALT):
    """Return any text with a good signature."""
    return signing.TimestampSigner(salt=salt).sign(text)


def outcome(function):
    """Return ("ok", value) or ("error", the exception's type)."""
    try:
        return "ok", function()
    except Exception as e:
        return "error", type(e).__name__


def key_option(key):
    """Return a key as fields of a case: text, or bytes in hexadecimal."""
    return {"key_hex": key.hex()} if isinstance(key, bytes) else {"key": key}
