"""response.set_signed_cookie() and request.get_signed_cookie()."""
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings

from base import outcome

COOKIES = [("cart", "", "value-1"), ("cart", "pepper", "value-1"), ("a", "b", "value-1"), ("ab", "", "value-1"), ("", "ab", "value-1"),
           ("sessionid", "s\u00f3l\U0001f600", "a:b"), ("x", "", "")]


def write(w):
    has_v2 = hasattr(signing, "_cookie_signer_salt")  # 5.2.15, 6.0.6
    for name, salt, value in COOKIES:
        response = HttpResponse()
        if name:
            response.set_signed_cookie(name, value, salt=salt)
            cookie = response.cookies[name].value
            w.write("signed_cookie", name, salt=salt, value=value, cookie=cookie, salt_form="v2" if has_v2 else "legacy")
        if has_v2:
            legacy = signing.get_cookie_signer(salt=name + salt).sign(value)
            w.write("signed_cookie", name, salt=salt, value=value, cookie=legacy, salt_form="legacy")
    reads(w, has_v2)


def reads(w, has_v2):
    """Read a cookie by another name or salt than it was written with."""
    written = []
    response = HttpResponse()
    response.set_signed_cookie("a", "value-1", salt="b")
    written.append(("new", response.cookies["a"].value))
    if has_v2:
        written.append(("legacy", signing.get_cookie_signer(salt="ab").sign("value-1")))
    for form, cookie in written:
        for fallback in (True, False) if has_v2 else (None,):
            for name, salt in ("a", "b"), ("ab", ""), ("", "ab"), ("a", ""):
                for age, later in (None, 0), (10, 9), (10, 20):
                    read(w, form, cookie, name, salt, fallback, age, w.clock.now + later)


def read(w, form, cookie, name, salt, fallback, age, now):
    request = HttpRequest()
    request.COOKIES[name] = cookie
    changed = {} if fallback is None else {"SIGNED_COOKIE_LEGACY_SALT_FALLBACK": fallback}
    with override_settings(**changed), w.clock.at(now):
        result, value = outcome(lambda: request.get_signed_cookie(name, salt=salt, max_age=age))
    fields = {"value": value} if result == "ok" else {"error": value}
    w.write("signed_cookie_read", name, salt=salt, cookie=cookie, written=form, legacy_fallback=fallback, max_age=age, now=now,
            result=result, **fields)
