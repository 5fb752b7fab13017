"""django.core.signing, with signers and functions that call Go."""
import datetime
import json
import time

from django.conf import settings
from django.core import signing

from gostore import GoError, from_base64, gostore, to_base64, to_microseconds

EXCEPTIONS = {
    "BadSignature": signing.BadSignature,
    "SignatureExpired": signing.SignatureExpired,
}


def ask(op, **fields):
    try:
        return gostore.ask(op, now=int(time.time() * 1_000_000), **fields)
    except GoError as e:
        if e.kind in EXCEPTIONS:
            raise EXCEPTIONS[e.kind](str(e)) from None
        raise


def keys(key, fallback_keys):
    if fallback_keys is None:
        fallback_keys = settings.SECRET_KEY_FALLBACKS
    return {
        "key": to_base64(key or settings.SECRET_KEY),
        "fallback_keys": [to_base64(key) for key in fallback_keys],
    }


def age(max_age):
    """Return the argument max_age, a timedelta or seconds, as a field of a request."""
    if max_age is None:
        return {}
    if not isinstance(max_age, datetime.timedelta):
        max_age = datetime.timedelta(seconds=max_age)
    return {"microseconds": to_microseconds(max_age)}


class Signer:
    def __init__(self, *, key=None, sep=":", salt=None, algorithm=None, fallback_keys=None):
        # Go has the same defaults for missing arguments.
        self.go = {**keys(key, fallback_keys), "sep": sep, "salt": salt or "", "algorithm": algorithm or ""}
        self.sep = sep
        self.salt = salt or "django.core.signing." + type(self).__name__
        self.algorithm = algorithm or "sha256"

    def ask(self, op, **fields):
        return ask("%s.%s" % (type(self).__name__, op), signer=self.go, **fields)

    def signature(self, value):
        value = value.decode() if isinstance(value, bytes) else value
        return self.sign(value)[len(value + self.sep) :]

    def sign(self, value):
        return from_base64(self.ask("sign", text=to_base64(str(value))))

    def unsign(self, signed_value, **kwargs):
        return from_base64(self.ask("unsign", text=to_base64(signed_value), **kwargs))

    def sign_object(self, obj, serializer=signing.JSONSerializer, compress=False):
        # Go gets the value that the serializer's text stands for, and serializes it itself.
        return self.ask("sign_object", value=json.loads(serializer().dumps(obj)), flag=compress)

    def unsign_object(self, signed_obj, serializer=signing.JSONSerializer, **kwargs):
        value = self.ask("unsign_object", text=to_base64(signed_obj), **kwargs)
        return serializer().loads(json.dumps(value).encode())


class TimestampSigner(Signer):
    def unsign(self, value, max_age=None):
        return super().unsign(value, **age(max_age))

    def unsign_object(self, signed_obj, serializer=signing.JSONSerializer, max_age=None):
        return super().unsign_object(signed_obj, serializer, **age(max_age))


def dumps(obj, key=None, salt="", compress=False):
    return ask("dumps", signer={**keys(key, None), "salt": salt}, value=obj, flag=compress)


def loads(s, key=None, salt="", max_age=None, fallback_keys=None):
    return ask("loads", signer={**keys(key, fallback_keys), "salt": salt}, text=to_base64(s), **age(max_age))


def install():
    """Replace Django's signers and functions."""
    for answered in (Signer, TimestampSigner, dumps, loads):
        setattr(signing, answered.__name__, answered)
