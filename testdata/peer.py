"""A Django that does what it is told: the other side of internal/testing/djangotest.

The settings are a JSON object in DJSESS_SETTINGS. Requests are JSON lines on stdin, replies JSON lines on stdout:

    {"code": "result = SessionStore(args['key']).load()", "args": {"key": "..."}}
    {"result": {...}}   or   {"error": "Type: message\\ntraceback"}

The code of all requests runs in one namespace, in which `args` is the request's and `result` is what it sends back. It
may print: that goes to stderr. It may be indented as a whole. The program ends with its stdin. It runs under every Django from 2.2 on.
"""
import datetime
import gettext
import json
import os
import sys
import textwrap
import traceback
import types
import warnings

APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]


def make_old_django_run():
    """Let Django 2.2 run with a Python and a psycopg2 newer than it is, and all on PyMySQL where mysqlclient does not build."""
    if sys.version_info >= (3, 11):  # gettext.translation() lost its codeset, which Django 2.2 passes.
        translation = gettext.translation

        def without_codeset(*args, codeset=None, **kwargs):
            return translation(*args, **kwargs)

        gettext.translation = without_codeset
    import django

    if django.VERSION < (3,):  # psycopg2 2.9 passes a timedelta for the offset, which 2.2 compares with 0.
        from django.db.backends.postgresql import utils
        from django.utils.timezone import utc

        def utc_tzinfo_factory(offset):
            if offset and offset != datetime.timedelta(0):
                raise AssertionError("database connection isn't set to UTC")
            return utc

        utils.utc_tzinfo_factory = utc_tzinfo_factory
    try:
        import MySQLdb  # noqa: F401
    except ImportError:
        try:
            import pymysql
        except ImportError:
            return
        pymysql.version_info = (2, 2, 7, "final", 0)  # Django asks mysqlclient for its age.
        pymysql.install_as_MySQLdb()


def configure(values):
    """Set Django up with these settings on top of the few that it cannot do without."""
    make_old_django_run()
    warnings.simplefilter("ignore")
    import django

    values.setdefault("INSTALLED_APPS", APPS)
    values.setdefault("DEFAULT_AUTO_FIELD", "django.db.models.AutoField")
    values.setdefault("ALLOWED_HOSTS", ["*"])
    values.setdefault("LOGGING_CONFIG", None)
    # A module, as a site has one: only for that does Django set the process's clock to TIME_ZONE.
    module = types.ModuleType("peer_settings")
    vars(module).update(values)
    sys.modules[module.__name__] = module
    os.environ["DJANGO_SETTINGS_MODULE"] = module.__name__
    django.setup()


def migrate(database="default"):
    """Make the tables of the three apps: by their migrations, or with DJSESS_NO_MIGRATIONS from their models, in half the time."""
    from django.core.management import call_command
    from django.test.utils import override_settings

    modules = {}
    if os.environ.get("DJSESS_NO_MIGRATIONS"):
        modules = dict.fromkeys(app.rpartition(".")[2] for app in APPS)
    with override_settings(MIGRATION_MODULES=modules):
        call_command("migrate", database=database, verbosity=0, interactive=False, run_syncdb=True)


def namespace():
    """The names that a request's code finds."""
    from importlib import import_module

    import django
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.contrib.sessions.models import Session
    from django.core import signing
    from django.utils import timezone

    return {
        "__name__": "peer",
        "SessionStore": import_module(settings.SESSION_ENGINE).SessionStore,
        "Session": Session,
        "User": get_user_model(),
        "signing": signing,
        "timezone": timezone,
        "datetime": datetime,
        "settings": settings,
        "django": django,
        "json": json,
        "migrate": migrate,
    }


def answer(names, line):
    """Run one request. A float that JSON has not is refused: repr() says it."""
    request = json.loads(line)
    names["args"] = request.get("args")
    names["result"] = None
    try:
        exec(compile(textwrap.dedent(request["code"]), "<request>", "exec"), names)
        return json.dumps({"result": names["result"]}, allow_nan=False)
    except Exception as e:
        return json.dumps({"error": "%s: %s\n%s" % (type(e).__name__, e, traceback.format_exc())})


def main():
    # Whatever prints, in Python or below it, must not get between the replies.
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # for settings that name what is here
    sys.dont_write_bytecode = True  # not into the repository
    configure(json.loads(os.environ["DJSESS_SETTINGS"]))
    names = namespace()
    for line in sys.stdin.buffer:
        replies.write(answer(names, line) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
