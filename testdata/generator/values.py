"""Sessions with every kind of value in them: (name, dict) pairs."""
import math

LOGIN = {
    "_auth_user_id": "1",
    "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
    "_auth_user_hash": "9a1e2b3c4d5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
}
CART = {"cart": {str(i): {"qty": i, "price": "%d.99" % i, "name": "Product %d" % i} for i in range(40)}}
SURROGATE = {"s": "\ud83d", "ok": "\U0001f600"}


def fixed():
    yield "empty", {}
    yield "seed-document", {"sname": "irfan", "semail": "irfan.sssit@gmail.com"}
    yield "login", LOGIN
    yield "cart", CART
    yield "order", {"z": 1, "a": 2, "m": 3}
    yield "constants", {"t": True, "f": False, "n": None}
    yield "floats", {"a": 1.0, "b": 1, "c": -0.0, "d": 1e16, "e": 5e-324, "f": 1e-05, "g": 0.0001, "h": 1e15}
    yield "floats-more", {
        "l": [9999999999999998.0, 12345678901234567.0, 1.7976931348623157e308, 0.1 + 0.2, 1e22, 1e23, 2.2250738585072014e-308,
              -1.5e-7, 123456789.123, 9007199254740993.0, 1 / 3, 100.0, 1e100, -1e16, 0.00012, 0.000099],
    }
    yield "nonfinite", {"n": math.nan, "i": math.inf, "m": -math.inf}
    yield "surrogate", SURROGATE
    yield "surrogate-key", {"\ud800": 1, "a\udfffb": {"\udc00": "\udc00\ud800"}}
    yield "ints", {"l": [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64, -(2**64)]}
    yield "big", {"n": 2**200}
    yield "big-4300", {"n": 10**4300 - 1, "m": -(10**4299)}
    yield "controls", {"c": "".join(map(chr, range(33))), "del": "\x7f", "\x00key\x1f": 1}
    yield "latin-1", {"c": "".join(map(chr, range(0x80, 0x100))), "\xe9": "\xff"}
    yield "escapes", {"s": '"\\/\b\f\n\r\t', "html": "<script>&amp;</script>", "u": "\\u0041", 'k"\\': 1}
    yield "separators", {"s": "\u2028\u2029\ufeff\ufffe\uffff"}
    yield "non-bmp", {"s": "\U00010000\U0001f600\U0010ffff", "\U0001f389": 1}
    yield "polish", {"imi\u0119": "Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144"}
    yield "empty-keys", {"": 1, "a": {"": {"": []}}}
    yield "odd-keys", {1: "int", 1.5: "float", None: "none", True: "true", -0.0: "zero", math.inf: "inf"}
    yield "key-collision", {1: "int", "1": "text"}  # Both are written: the payload has the name twice.
    yield "empties", {"l": [], "d": {}, "s": "", "ll": [[], [[]], {}]}
    yield "tuple", {"t": (1, (2, 3))}
    yield "deep-lists", {"l": nested(200, lambda v: [v])}
    yield "deep-dicts", {"d": nested(200, lambda v: {"k": v})}
    yield "wide", {"k%03d" % i: i for i in range(300)}
    yield "repeated", {"s": "abc" * 2000}
    yield "expiry-int", {"_session_expiry": 300}
    yield "expiry-float", {"_session_expiry": 0.5}
    yield "expiry-negative", {"_session_expiry": -5}
    yield "expiry-close", {"_session_expiry": 0}
    yield "expiry-instant", {"_session_expiry": "2031-02-03T04:05:06.789012+00:00"}
    yield "testcookie", {"testcookie": "worked"}
    yield "messages", {"_messages": '[["__json_message",0,25,"Saved \\u017c."]]'}
    yield "csrf", {"_csrftoken": "x" * 64, "_language": "pl", "_password_reset_token": "abc123-0123456789abcdef"}


def nested(depth, wrap):
    value = 1
    for _ in range(depth):
        value = wrap(value)
    return value


WORDS = ["", "x", "\u017c\u00f3\u0142\u0107", "\U0001f600 party", '"quote\\ /slash<>&', "line\u2028sep", "\ud800", "\u65e5\u672c\u8a9e",
         "\x00\x1f\x7f", "caf\xe9", "\udfff\ud83d"]
SCALARS = [None, True, False, 0, 1, -1, 2147483648, 9007199254740993, -9223372036854775808, 18446744073709551616, 10**30, 10**99,
           1.0, 1.5, -0.0, 0.1 + 0.2, 1e-05, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 123456789.123, math.nan, math.inf, -math.inf]


def value(rng, depth=0):
    kind = rng.randrange(10 if depth < 4 else 7)
    if kind < 3:
        return rng.choice(SCALARS)
    if kind < 5:
        return rng.choice(WORDS)
    if kind == 5:
        return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20)
    if kind == 6:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randrange(120)))
    if kind == 7:
        return [value(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {key(rng): value(rng, depth + 1) for _ in range(rng.randrange(5))}


def key(rng):
    if rng.randrange(4) == 0:
        return rng.choice(WORDS)
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(1 + rng.randrange(8)))


def drawn(rng, count):
    for i in range(count):
        yield "random-%03d" % i, {key(rng): value(rng) for _ in range(1 + rng.randrange(6))}
