"""Session payloads, good and bad, in each form that this Django writes."""
import base64
import logging

from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieStore
from django.core import signing
from django.test.utils import override_settings

import values
from base import BYTES_KEY, LEGACY_SALT, SESSION_SALT, as_json, sign_payload, store

FEW = ("login", "cart", "surrogate", "random-007")


def write(w):
    cases = list(values.fixed()) + list(values.drawn(w.rng, 60))
    for name, obj in cases:
        if w.signed:
            w.write("payload", name, json=as_json(obj), encoded=store().encode(obj), salt=SESSION_SALT)
        else:
            w.write("legacy_payload", name, json=as_json(obj), encoded=store().encode(obj), salt=LEGACY_SALT)
    if w.sha1:
        with override_settings(DEFAULT_HASHING_ALGORITHM="sha1"):
            for name, obj in cases:
                if not name.startswith("random") or name < "random-020":
                    w.write("legacy_payload", name, json=as_json(obj), encoded=store().encode(obj), salt=LEGACY_SALT)
            for name, obj in cases[:20]:
                encoded = signing.dumps(obj, salt=SESSION_SALT, compress=True)
                w.write("payload_sha1", name, json=as_json(obj), encoded=encoded, salt=SESSION_SALT)
    few = [(name, obj) for name, obj in cases if name in FEW]
    for name, obj in few:
        session = CookieStore()
        session.update(obj)
        session.save()
        w.write("cookie_session", name, json=as_json(obj), encoded=session.session_key)
    if w.fallbacks:
        for name, obj in few:
            with override_settings(SECRET_KEY=fallback()):
                w.write("payload_fallback", name, json=as_json(obj), encoded=store().encode(obj))
    with override_settings(SECRET_KEY=BYTES_KEY):
        salt = SESSION_SALT if w.signed else LEGACY_SALT
        for name, obj in few:
            w.write("payload_bytes_key", name, json=as_json(obj), encoded=store().encode(obj), salt=salt, key_hex=BYTES_KEY.hex())
    for name, encoded in bad_signed(w) if w.signed else bad_legacy():
        judge(w, name, encoded)


def fallback():
    from django.conf import settings

    return settings.SECRET_KEY_FALLBACKS[0]


def bad_signed(w):
    good = store().encode(values.LOGIN)
    text, stamp, signature = good.rsplit(":", 2)
    yield "truncated", good[:-1]
    yield "extra", good + "A"
    yield "flip-first", "f" + good[1:]
    yield "no-sep", good.replace(":", "")
    yield "empty", ""
    yield "one-sep", text + ":" + stamp
    # The last character of the signature carries unused bits: the same bytes, another text.
    yield "other-spelling", good[:-1] + chr(ord(good[-1]) + 1)
    yield "padded", good + "="
    yield "dot-lie", "." + good
    yield "wrong-salt", signing.dumps({}, salt="django.contrib.sessions.Other")
    yield "wrong-timestamp", ":".join([text, "1xVNMk", signature])
    yield "spaces", " " + good
    yield "newline", good + "\n"
    yield "non-ascii", good[:-1] + "\u017c"
    yield "nul", good + "\x00"
    yield "upper", good.upper()
    yield "only-seps", "::"
    with override_settings(SECRET_KEY="somebody else's"):
        other = store().encode(values.LOGIN)
    yield "wrong-secret", other
    if w.sha1:
        with override_settings(DEFAULT_HASHING_ALGORITHM="sha1"):
            legacy = store().encode(values.LOGIN)
        yield "legacy-truncated", legacy[:-4]
        yield "legacy-flip", ("N" if legacy[0] == "M" else "M") + legacy[1:]
        yield "legacy-bad-base64", legacy[:-5]
    else:
        yield "sha1", signing.TimestampSigner(salt=SESSION_SALT, algorithm="sha1").sign(text)


def bad_legacy():
    good = store().encode({"a": 1, "pad": "xx"})
    raw = base64.b64decode(good)
    digest, serialized = raw.split(b":", 1)

    def around(raw):
        return base64.b64encode(raw).decode()

    yield "truncated", good[:-4]
    yield "bad-base64", good[:-5]
    yield "flip-first", ("N" if good[0] == "M" else "M") + good[1:]
    yield "empty", ""
    yield "no-colon", around(digest + serialized)
    yield "upper-digest", around(digest.upper() + b":" + serialized)
    yield "non-ascii-digest", around(b"\xc5\xbc" + digest[2:] + b":" + serialized)
    yield "short-digest", around(digest[:-1] + b":" + serialized)
    yield "changed", around(raw.replace(b"1", b"2"))
    yield "non-ascii", good + "\u017c"
    yield "signed-form", sign_payload("e30")
    yield "signed-form-compressed", signing.dumps(values.LOGIN, salt=SESSION_SALT, compress=True)
    with override_settings(SECRET_KEY="somebody else's"):
        other = store().encode({"a": 1})
    yield "wrong-secret", other


def judge(w, name, encoded):
    """Add a case. result is what Django logs. decoded is what Django reads, or the exception that it raises."""
    heard = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append("bad signature")
    logger = logging.getLogger("django.security.SuspiciousSession")
    logger.addHandler(handler)
    try:
        decoded = as_json(store().decode(encoded))
    except Exception as e:
        decoded = "raises " + type(e).__name__
    logger.removeHandler(handler)
    w.write("bad_payload", name, encoded=encoded, result=heard[0] if heard else "malformed", decoded=decoded)
