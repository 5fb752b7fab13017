"""Payloads with a good signature that Django would not write, and how it reads them."""
import base64
import zlib

from django.core import signing
from django.utils.crypto import salted_hmac

from base import LEGACY_SALT, SESSION_SALT, as_json, outcome, sign_payload, store


def write(w):
    cases = list(texts()) + [("json-" + name, b64(data)) for name, data in documents()]
    cases += [("json-" + name, "." + b64(zlib.compress(data, 9))) for name, data in huge_documents()]
    for name, text in cases:
        encoded = sign_payload(text)
        result, value = outcome(lambda: signing.loads(encoded, salt=SESSION_SALT))
        record(w, "lenient_payload", name, encoded, SESSION_SALT, result, value)
    if w.version in ("2.2", "3.2"):
        for name, encoded in legacy_texts():
            decode = store().decode if w.version == "2.2" else store()._legacy_decode
            result, value = outcome(lambda: decode(encoded))
            if value == {}:  # No case holds one: Django swallowed an error.
                result, value = "error", ""
            record(w, "lenient_legacy", name, encoded, LEGACY_SALT, result, value)


def record(w, kind, name, encoded, salt, result, value):
    fields = {"json": as_json(value)} if result == "ok" else {"error": value}
    w.write(kind, name, encoded=encoded, salt=salt, result=result, **fields)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# Python adds padding by the length of the text, foreign characters included. Then it skips the foreign characters, and stops
# at padding in a place where padding is allowed. So a foreign character is harmless in one place, and an error in another.
def texts():
    for document in (b'{"a":1}', b'{"a":12}', b'{"a":123}'):  # 1, 2, 0 bytes beyond a multiple of 3
        text = b64(document)
        rest = len(document) % 3
        for count in range(1, 5):
            yield "spaces-%d-rest-%d" % (count, rest), text[:4] + " " * count + text[4:]
            yield "padding-%d-rest-%d" % (count, rest), text + "=" * count
            yield "padding-inside-%d-rest-%d" % (count, rest), text[:6] + "=" * count + text[6:]
            yield "padding-first-%d-rest-%d" % (count, rest), "=" * count + text
        for place in range(1, 5):
            yield "padding-at-%d-rest-%d" % (place, rest), text[:place] + "=" + text[place:]
            yield "cut-%d-rest-%d" % (place, rest), text[:-place]
        yield "one-more-rest-%d" % rest, text + "A"
    text = b64(b'{"a":123}')
    yield "newlines", "\n".join([text[:3], text[3:6], text[6:], "", ""])
    yield "newline-end", text + "\n"
    yield "foreign", "!" + text[:5] + "\u017c%~" + text[5:] + "*"
    yield "nul", text[:4] + "\x00\x00\x00\x00" + text[4:]
    yield "colon", text[:4] + "::::" + text[4:]
    yield "dot-inside", text[:4] + "...." + text[4:]
    odd = b'{"a":"~~~???>>>","b":"\\u017c?"}'
    yield "standard-alphabet", base64.b64encode(odd).rstrip(b"=").decode()
    yield "standard-alphabet-padded", base64.b64encode(odd).decode()
    yield "unused-bits", b64(b'{"a":1}')[:-1] + "R"
    yield "empty", ""
    yield "dot", "."
    yield "dots", ".."
    yield "padding-only", "===="

    stream = zlib.compress(b'{"a":"' + b"x" * 50 + b'"}')
    yield "zlib", "." + b64(stream)
    yield "zlib-dots", ".." + b64(stream)
    yield "zlib-undeclared", b64(stream)
    yield "zlib-space-before", " ." + b64(stream)
    yield "zlib-declared-plain", "." + b64(b'{"a":1}')
    yield "zlib-trailing", "." + b64(stream + b"and more")
    yield "zlib-twice", "." + b64(stream + stream)
    yield "zlib-truncated-1", "." + b64(stream[:-1])
    yield "zlib-truncated-4", "." + b64(stream[:-4])
    yield "zlib-truncated-9", "." + b64(stream[:-9])
    yield "zlib-header-only", "." + b64(stream[:2])
    yield "zlib-adler", "." + b64(stream[:-1] + bytes([stream[-1] ^ 1]))
    yield "zlib-bad-header", "." + b64(b"\x79" + stream[1:])
    yield "zlib-big-window", "." + b64(b"\x88\x1c" + stream[2:])
    yield "zlib-raw-deflate", "." + b64(stream[2:-4])
    gzip = zlib.compressobj(wbits=31)
    yield "zlib-gzip", "." + b64(gzip.compress(b'{"a":1}') + gzip.flush())
    yield "zlib-level-0", "." + b64(zlib.compress(b'{"a":1}', 0))
    yield "zlib-level-9", "." + b64(zlib.compress(b'{"a":1}', 9))
    yield "zlib-empty", "." + b64(zlib.compress(b""))
    dictionary = zlib.compressobj(zdict=b'{"a":')
    yield "zlib-dictionary", "." + b64(dictionary.compress(b'{"a":1}') + dictionary.flush())
    flushed = zlib.compressobj()
    flushed_data = flushed.compress(b'{"a":') + flushed.flush(zlib.Z_SYNC_FLUSH) + flushed.compress(b"1}") + flushed.flush()
    yield "zlib-sync-flush", "." + b64(flushed_data)
    yield "zlib-foreign", "." + b64(stream)[:8] + "    " + b64(stream)[8:]


def documents():
    """JSON that json.dumps() would not write, and texts that are not JSON."""
    yield "whitespace", b' \t\r\n{ \t"a" \n:\r[ 1 , 2 ] , "b":{ } } \n'
    for name, space in ("form-feed", b"\f"), ("vertical-tab", b"\v"), ("nbsp", b"\xa0"), ("nul", b"\0"):
        yield "space-" + name, b'{"a":' + space + b"1}"
    yield "space-only", b" "
    yield "duplicate", b'{"a":1,"b":2,"a":3}'
    yield "duplicate-nested", b'{"x":{"a":1,"b":2,"a":{"c":1,"c":2}}}'
    yield "duplicate-escaped", b'{"a":1,"b":2,"\\u0061":3}'
    for number in ("1e400 -1e400 1e-400 -1e-400 -0 -0.0 0e0 -0e0 1E5 1e+5 1e-5 1e05 1.10 100000000000000000000.0 1e16 1e15 "
                   "123456789012345678901234567890 0.1000000000000000055511151231257827 9007199254740993 4.9e-324 2e-324 "
                   "01 -01 00 1. -1. .5 1e 1e+ 1.e5 +1 - -- --1 0x10 1_000 1,5 1a NaN -NaN nan +NaN Infinity -Infinity "
                   "+Infinity infinity Inf -Inf NaN1 true True tru truefalse null None nul undefined").split():
        yield "number " + number, b'{"a":' + number.encode() + b"}"
    yield "number superscript", b'{"a":1\xb2}'
    for code in (0, 1, 8, 9, 10, 13, 27, 31, 127, 128, 133, 160, 233, 255):
        yield "raw-%02x" % code, b'{"a":"x' + bytes([code]) + b'y"}'
    yield "raw-utf-8", '{"a":"\u017c\u00f3\u0142\u0107 \U0001f600"}'.encode()
    yield "raw-key", b'{"\xe9\x7f":1}'
    yield "bom", b'\xef\xbb\xbf{"a":1}'
    yield "bom-utf-16", '{"a":1}'.encode("utf-16")
    for escape in ("\\/ \\u00E9 \\u00e9 \\uD83D\\uDE00 \\ud83d\\u0041 \\ude00\\ud83d \\ud83d\\ud83d\\ude00 \\ud83dx \\ud83d\\n \\u0000 \\u0022 "
                   "\\x41 \\u12 \\u12g4 \\u+123 \\u0x12 \\u1_23 \\U0001F600 \\' \\a \\0 \\ud83d\\u12 \\ud83d\\uzzzz").split():
        yield "escape " + escape, b'{"a":"' + escape.encode() + b'"}'
    yield "escape-space", b'{"a":"\\u 123"}'
    yield "escape-key", b'{"\\ud800\\u0041\\/":1}'
    yield "escape-end", b'{"a":"\\'
    yield "list", b'[1,"a",null]'
    yield "list-empty", b"[]"
    yield "string", b'"text"'
    yield "null", b"null"
    yield "true", b"true"
    yield "zero", b"0"
    yield "nan", b"NaN"
    yield "trailing-space", b'{"a":1} \n\t'
    for trailing in (b"x", b"{}", b"}", b",", b"]", b"\0", b"//", b"1"):
        yield "trailing " + trailing.decode(), b'{"a":1}' + trailing
    for text in ('{"a":1,} {,} {"a"} {"a":} {:1} {"a":1 {"a" {"a {" { } {"a":1,"b"} {"a":[1,]} {"a":[,]} {"a":[} {"a":[1 {"a":[1}] '
                 "{'a':1} {a:1} {1:2} {\"a\"1} {\"a\"=1} [ ] \" [1 [1,").split(" "):
        yield "broken " + text, text.encode()
    yield "broken-two-values", b'{"a":1 "b":2}'
    yield "broken-list", b'{"a":[1 2]}'
    yield "comment", b'{"a":1/* no */}'
    yield "newline-in-string", b'{"a":"x\ny"}'


def huge_documents():
    yield "int-4300", b'{"a":' + b"9" * 4300 + b"}"
    yield "int-4300-negative", b'{"a":-' + b"9" * 4300 + b"}"
    yield "float-5000-digits", b'{"a":' + b"9" * 5000 + b".0}"
    yield "int-4301", b'{"a":' + b"9" * 4301 + b"}"
    yield "int-4301-negative", b'{"a":-' + b"9" * 4301 + b"}"
    yield "int-4301-zeros", b'{"a":1' + b"0" * 4300 + b"}"
    yield "int-4301-nested", b'{"a":[{"b":' + b"9" * 4301 + b"}]}"
    yield "int-4301-overwritten", b'{"a":' + b"9" * 4301 + b',"a":1}'
    yield "int-100000", b'{"a":' + b"9" * 100000 + b"}"
    yield "int-4301-in-string", b'{"a":"' + b"9" * 4301 + b'"}'
    yield "exponent-4301", b'{"a":1e' + b"9" * 4301 + b"}"
    for depth in (500, 100000):
        yield "lists-%d" % depth, b'{"a":' + b"[" * depth + b"]" * depth + b"}"
        yield "dicts-%d" % depth, b'{"a":' * depth + b"1" + b"}" * depth
    yield "lists-100000-open", b'{"a":' + b"[" * 100000
    yield "dicts-100000-open", b'{"a":' * 100000


def legacy_texts():
    def around(document, between=b":"):
        digest = salted_hmac(LEGACY_SALT, document).hexdigest() if before_31() else sha1_digest(document)
        return base64.b64encode(digest.encode() + between + document).decode()

    for name, document in documents():
        yield "json-" + name, around(document)
    for name, document in huge_documents() if before_31() else ():  # Once is enough: this form is not compressed.
        if len(document) < 6000:
            yield "json-" + name, around(document)
    for document in (b'{"a":1}', b'{"a":12}', b'{"a":123}'):
        text = around(document)
        rest = (41 + len(document)) % 3
        yield "good-rest-%d" % rest, text
        yield "unpadded-rest-%d" % rest, text.rstrip("=")
        for count in range(1, 4):
            yield "padding-%d-rest-%d" % (count, rest), text + "=" * count
            yield "spaces-%d-rest-%d" % (count, rest), text[:7] + " " * count + text[7:]
            yield "padding-inside-%d-rest-%d" % (count, rest), text[:6] + "=" * count + text[6:]
        yield "after-padding-rest-%d" % rest, text + "====" + text
        yield "lines-rest-%d" % rest, "\n".join([text[:20], text[20:40], text[40:], ""])
    text = around(b'{"a":"~~~???>>>"}')
    yield "url-alphabet", text.replace("+", "-").replace("/", "_")
    yield "standard-alphabet", text
    yield "unused-bits", other_bits(around(b'{"a":12}'))
    yield "two-colons", around(b':{"a":1}')


def other_bits(text):
    """Return the text with another last character, which decodes to the same bytes: its low bits are not used."""
    last = text.rstrip("=")[-1]
    return text.rstrip("=")[:-1] + chr(ord(last) + 1) + "=" * (len(text) - len(text.rstrip("=")))


def before_31():
    import django

    return django.VERSION < (3, 1)


def sha1_digest(document):
    return salted_hmac(LEGACY_SALT, document, algorithm="sha1").hexdigest()
