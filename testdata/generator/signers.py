"""django.core.signing itself."""
from django.core import signing
from django.utils.crypto import salted_hmac

import values
from base import BYTES_KEY, as_json, key_option, outcome

TEXTS = ["", "hello", "with:colon", "a~b::c", "\u017c\u00f3\u0142\u0107", "\U0001f600", "x" * 300]


def write(w):
    for kind in (signer, dumps, max_age, separators, hmacs, numbers):
        kind(w)


def options(w):
    yield "plain", {}
    yield "salt", {"salt": "extra"}
    yield "salt-unicode", {"salt": "s\u00f3l"}
    yield "sep", {"sep": "~"}
    yield "sep-long", {"sep": "::"}
    yield "sep-mixed", {"sep": "a:"}
    yield "key", {"key": "another key"}
    yield "key-unicode", {"key": "klucz \u017c\U0001f600"}
    yield "key-bytes", {"key": BYTES_KEY}
    yield "key-long", {"key": "k" * 200}
    yield "key-salt-sep", {"key": "another key", "salt": "extra", "sep": "!"}
    if w.algorithms:
        for algorithm in ("sha1", "sha256", "sha384", "sha512", "md5"):
            yield algorithm, {"algorithm": algorithm}


def spelled(opts):
    """Return options as fields of a case, with a key of bytes in hexadecimal."""
    fields = {name: value for name, value in opts.items() if name != "key"}
    return dict(fields, **key_option(opts["key"])) if "key" in opts else fields


def signer(w):
    for name, opts in options(w):
        for text in TEXTS:
            w.write(
                "signer",
                name,
                options=spelled(opts),
                value=text,
                signed=signing.Signer(**opts).sign(text),
                timestamped=signing.TimestampSigner(**opts).sign(text),
            )
    good = signing.Signer().sign("hello")
    other = good[:-1] + chr(ord(good[-1]) + 1)
    for name, text in (
        ("no-separator", "hello"),
        ("empty", ""),
        ("separator-only", ":"),
        ("empty-signature", "hello:"),
        ("truncated", good[:-1]),
        ("extra", good + "A"),
        ("padded", good + "="),
        ("other-spelling", other),
        ("upper", good.upper()),
        ("other-value", "Hello" + good[5:]),
        ("newline", good + "\n"),
        ("space", " " + good),
        ("non-ascii", good[:-1] + "\u017c"),
        ("another-separator", good.replace(":", "~")),
        ("another-salt", signing.Signer(salt="extra").sign("hello")),
        ("another-key", signing.Signer(key="another key").sign("hello")),
        ("timestamped", signing.TimestampSigner().sign("hello")),
    ):
        bad(w, "bad_signed", name, signing.Signer(), text)
    if w.algorithms:
        # 3.1 and 3.2 take SHA-1 for good; 4.0 and later do not.
        bad(w, "bad_signed", "sha1", signing.Signer(), signing.Signer(algorithm="sha1").sign("hello"))
    # The signature is good, the timestamp is not: these are not all BadSignature.
    stamper = signing.TimestampSigner()
    for name, text in (
        ("none", "hello"), ("empty", "hello:"), ("foreign", "hello:1x!z"), ("minus", "hello:-"), ("two-minus", "hello:--1"),
        ("negative", "hello:-1xVNMj"), ("zeros", "hello:000001"), ("space", "hello: 1xVNMj"), ("huge", "hello:" + "z" * 30),
        ("plus", "hello:+1"), ("non-ascii", "hello:\u0661"),
    ):
        bad(w, "bad_timestamp", name, stamper, signing.Signer(salt=stamper.salt).sign(text))


def bad(w, kind, name, how, text):
    result, value = outcome(lambda: how.unsign(text))
    w.write(kind, name, signed=text, result=result, **({"value": value} if result == "ok" else {"error": value}))


def dumps(w):
    objects = [("object", {"z": 1, "a": [1.0, None, "\u017c"]}), ("list", [1, "a"]), ("string", "text"), ("null", None), ("float", 1.0),
               ("empty", {}), ("cart", values.CART), ("surrogate", values.SURROGATE), ("barely", {"a": "aaaaaaaaaaaaaaaaaaa"})]
    for name, obj in objects:
        for compress in (False, True):
            for salt in ("django.core.signing", "other \u017c"):
                encoded = signing.dumps(obj, salt=salt, compress=compress)
                w.write("dumps", name, json=as_json(obj), salt=salt, compress=compress, key=None, encoded=encoded)
        for key in ("another key", BYTES_KEY):
            encoded = signing.dumps(obj, key=key)
            w.write("dumps", name, json=as_json(obj), salt="django.core.signing", compress=False, encoded=encoded, **key_option(key))


def max_age(w):
    for signed_at, age, now in (
        (100.9, 10, 109.9), (100.9, 10, 110.0), (100.9, 10, 110.01), (100.9, 10, 111.0), (100.9, 9.5, 109.5), (100.9, 9.5, 109.51),
        (100.9, 0, 100.0), (100.9, 0, 100.9), (100.9, -1, 100.0), (100.9, -1, 98.9), (100.9, 10, 50.0), (100.9, None, 1e12),
        (-5.5, 10, 5.0), (-5.5, 10, 5.25), (0.5, 1, 1.0), (1795176000.75, 1209600, 1796385600.0),
        (1795176000.75, 1209600, 1796385600.000001),
    ):
        with w.clock.at(signed_at):
            encoded = signing.dumps({"at": 1}, salt="age")
        with w.clock.at(now):
            try:
                signing.loads(encoded, salt="age", max_age=age)
                result = "ok"
            except signing.SignatureExpired:
                result = "expired"
        w.write("max_age", "%s+%s@%s" % (signed_at, age, now), encoded=encoded, salt="age", json='{"at":1}', max_age=age, now=now,
                result=result)


def separators(w):
    for sep in (":", "~", "!", ".", "::", "a:", ":a", " ", "\u017c", "", "a", "Z", "9", "-", "_", "=", "[", "\\", "]", "^", "`", "-=_", "abc123",
                "a\n", "\n", "\n\n", "@", "{", "/", "+", "\t"):
        result, value = outcome(lambda: signing.Signer(sep=sep))
        w.write("bad_sep", repr(sep), sep=sep, error="" if result == "ok" else value)


def hmacs(w):
    for algorithm in ("sha1", "sha256", "sha384", "sha512", "md5") if w.algorithms else ("sha1",):
        for key_salt, value, secret in (
            ("", "", "s"), ("salt", "value", "secret"), ("s\u00f3l", "\u017c\u00f3\u0142\u0107 \U0001f600", "klucz \u017c"), ("salt", "x" * 1000, "k" * 200),
            ("salt", "value", BYTES_KEY), ("saltsecret", "value", "\x00"), ("django.contrib.sessions.SessionStore" + "signer", "e30", "secret"),
        ):
            extra = {"algorithm": algorithm} if w.algorithms else {}
            digest = salted_hmac(key_salt, value, secret, **extra).hexdigest()
            named = {"secret_hex": secret.hex()} if isinstance(secret, bytes) else {"secret": secret}
            w.write("salted_hmac", algorithm, key_salt=key_salt, value=value, algorithm=algorithm, hex=digest, **named)


def numbers(w):
    encode, decode = base62()
    for n in (0, 1, 9, 10, 35, 36, 61, 62, 63, 3843, 3844, 1795176000, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**30, -1, -61, -62, -(2**63)):
        w.write("b62", str(n), number=str(n), text=encode(n))
    for text in ("", "-", "00", "-0", "000z", "--1", "+1", " 1", "1 ", "1_0", "!", "\u017c", "zzzzzzzzzzz", "zzzzzzzzzzzz", "1\n"):
        result, value = outcome(lambda: decode(text))
        w.write("b62_decode", repr(text), text=text, result=result, **({"number": str(value)} if result == "ok" else {"error": value}))


def base62():
    if hasattr(signing, "b62_encode"):
        return signing.b62_encode, signing.b62_decode
    from django.utils.baseconv import base62 as base  # Up to 3.2.

    return base.encode, base.decode
