"""python -B generator VERSION FOLDER: what this Django writes, into FOLDER/vectors.jsonl and FOLDER/db.sqlite3.

Everything comes from a seed and a clock that stands still, so that the same Django, Python and zlib write the same again.
"""
import os
import random
import sys

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import peer  # noqa: E402
from clock import Clock  # noqa: E402


def main(version, folder):
    rng = random.Random(int(version.replace(".", "")))
    secret_key = "new-" + text(rng, 50)
    # SECRET_KEY_FALLBACKS came with 4.1.
    fallbacks = ["old-" + text(rng, 50)] if version not in ("2.2", "3.2") else []
    database = os.path.join(folder, "db.sqlite3")
    if os.path.exists(database):
        os.remove(database)
    values = {
        "SECRET_KEY": secret_key,
        "USE_TZ": True,
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
    }
    if fallbacks:
        values["SECRET_KEY_FALLBACKS"] = fallbacks
    peer.configure(values)
    clock = Clock()

    import auth
    import base
    import cookies
    import lenient
    import payloads
    import signers

    with base.Writer(os.path.join(folder, "vectors.jsonl"), version, clock, rng) as w:
        base.meta(w, secret_key, fallbacks)
        for kinds in (payloads, lenient, signers, cookies, auth):
            kinds.write(w)


def text(rng, length):
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(length))


main(*sys.argv[1:])
