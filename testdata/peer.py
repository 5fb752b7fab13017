"""A Django that does what it is told: the other side of internal/testing/djangotest.

    peer.py SOCKET [COMMAND...]

It imports Django, which takes most of the time of a start, listens at SOCKET, says "ready" and becomes a new Django for every
connection: a fork, with settings, a database and an environment of its own. The first line on a connection is

    {"settings": {...}, "environ": {...}, "dir": "...", "stderr": "a file"}

and the answer is the process id. Then requests and replies are JSON lines:

    {"code": "result = SessionStore(args['key']).load()", "args": {"key": "..."}}
    {"result": {...}}   or   {"error": "Type: message\\ntraceback"}

The code of all requests runs in one namespace, in which `args` is the request's and `result` is what it sends back. It
may print: that goes to stderr. It may be indented as a whole. A Django ends with its connection, whose last line is

    {"ended": "exit status 0"}

The program ends with its stdin, or with COMMAND and its exit status, and removes the folder of SOCKET. It runs under every Django from 2.2 on.
"""
import contextlib
import datetime
import gc
import gettext
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import sys
import textwrap
import time
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


# What most Djangos import anyway, and what no setting decides on. Not every Django has all of it. Models are imported with settings only.
PRELOADED = [
    "django.contrib.auth.hashers",
    "django.contrib.sessions.backends.base",
    "django.contrib.sessions.middleware",
    "django.contrib.sessions.serializers",
    "django.core.cache.backends.db",
    "django.core.cache.backends.filebased",
    "django.core.cache.backends.memcached",
    "django.core.cache.backends.redis",
    "django.core.handlers.wsgi",
    "django.core.management.commands.migrate",
    "django.db.backends.mysql.base",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.test.utils",
    "django_redis.cache",
    "pylibmc",
    "pymemcache.serde",
    "redis",
]


def preload():
    """Import what all Djangos need, before there are settings."""
    gc.set_threshold(100_000)  # a Django of a test ends before it has much to collect
    make_old_django_run()
    warnings.simplefilter("ignore")
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    for name in PRELOADED:
        with contextlib.suppress(ImportError, ImproperlyConfigured):
            importlib.import_module(name)

    from django.db.backends.signals import connection_created

    connection_created.connect(do_not_sync)
    if settings.configured:
        raise AssertionError("an import has asked for a setting")
    gc.freeze()  # so that no collection in a fork touches, and thereby copies, what they share


def do_not_sync(connection, **kwargs):
    """SQLite need not wait for the disk: what a test stores need not outlive the machine."""
    if connection.vendor == "sqlite":
        with contextlib.suppress(sqlite3.Error):  # left to the next statement: the file may be locked, or no database
            connection.connection.execute("PRAGMA synchronous = OFF")


def configure(values):
    """Set Django up with these settings on top of the few that it cannot do without."""
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


def serve(connection):
    """Be a Django until the connection ends."""
    requests, replies = connection.makefile("rb"), connection.makefile("w", encoding="ascii")
    start = json.loads(requests.readline())
    stderr = os.open(start["stderr"], os.O_WRONLY | os.O_APPEND)
    for fd in (1, 2):  # Whatever prints, in Python or below it, must not get between the replies.
        os.dup2(stderr, fd)
    os.close(stderr)
    replies.write("%d\n" % os.getpid())
    replies.flush()
    os.chdir(start["dir"])
    os.environ.clear()
    os.environ.update(start["environ"])
    time.tzset()
    configure(start["settings"])
    names = namespace()
    for line in requests:
        replies.write(answer(names, line) + "\n")
        replies.flush()


def fork(listener, connections):
    """Become a Django in a new process. The connections are those of the processes that run."""
    connection, _ = listener.accept()
    pid = os.fork()
    if pid:
        connections[pid] = connection
        return
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        listener.close()
        for other in connections.values():
            other.close()
        with open(os.devnull) as null:
            os.dup2(null.fileno(), 0)
        serve(connection)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)  # Python would tidy up, and by that copy what the processes share


def main():
    address, command = sys.argv[1], sys.argv[2:]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path += [here, os.path.join(os.path.dirname(here), "docs", "moving")]  # for settings that name what is there
    sys.dont_write_bytecode = True  # not into the repository
    environ = dict(os.environ)
    preload()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(128)
    # A process that ends wakes the select below.
    asleep, awake = os.pipe()
    os.set_blocking(awake, False)
    signal.set_wakeup_fd(awake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child, inputs = None, [asleep, listener]
    if command:
        signal.signal(signal.SIGINT, lambda *_: None)  # a Ctrl-C ends the command, and that this program
        child = os.posix_spawnp(command[0], command, environ)
    else:
        inputs.append(0)
        print("ready", flush=True)
    connections, result = {}, None
    while result is None:
        events, _, _ = select.select(inputs, [], [])
        if 0 in events:
            result = 0
        if asleep in events:
            os.read(asleep, 4096)
            for pid, status in ended():
                if pid == child:
                    result = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                    continue
                text = "signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "exit status %d" % os.WEXITSTATUS(status)
                with connections.pop(pid) as connection, contextlib.suppress(OSError):  # nobody may be there to read it
                    connection.send(b'{"ended": "%s"}\n' % text.encode(), socket.MSG_DONTWAIT)
        if listener in events:
            fork(listener, connections)
    shutil.rmtree(os.path.dirname(address), ignore_errors=True)
    sys.exit(result)


def ended():
    """The processes that have ended, and how."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, status


if __name__ == "__main__":
    main()
