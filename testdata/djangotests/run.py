"""Run Django's tests of its sessions and of its signing against Go: see README.md in the folder above.

    run.py GOSTORE DJANGO [LABEL ...]

GOSTORE is the program internal/testing/gostore, and DJANGO is an unpacked source distribution, whose tests are run as
they are. A test that fails, or that asks nothing of Go, must be in expected.txt, and a test that is there must do so.
"""
import faulthandler
import fnmatch
import importlib
import importlib.util
import io
import logging
import os
import sqlite3
import sys
import tempfile
import types
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
LABELS = """
    sessions_tests
    signing
    signed_cookies_tests
""".split()
# The tests of auth_tests that use sessions. The others, more than 1000, do not reach Go.
AUTH_LABELS = """
    test_auth_backends.ChangedBackendSettingsTest
    test_auth_backends.ImportedBackendTests
    test_auth_backends.ImproperlyConfiguredUserModelTest
    test_auth_backends.SelectingBackendTests
    test_auth_backends.UUIDUserTests
    test_basic.TestGetUser
    test_context_processors.AuthContextProcessorTests
    test_login
    test_middleware.TestAsyncLoginLogoutAfterSyncMiddleware
    test_middleware.TestAuthenticationMiddleware
    test_middleware.TestLoginRequiredMiddleware
    test_remote_user.PersistentRemoteUserTest
    test_remote_user.RemoteUserTest
    test_signals
    test_views
""".split()


def auth_labels():
    """Return the labels that exist in this release of Django."""
    for label in AUTH_LABELS:
        module, _, name = label.partition(".")
        if importlib.util.find_spec("auth_tests." + module) and (
            not name or hasattr(importlib.import_module("auth_tests." + module), name)
        ):
            yield "auth_tests." + label


def configure(folder):
    """Set Django up with a database and a cache that another process can open, too."""
    (folder / "cache").mkdir()
    database = str(folder / "db.sqlite3")
    # A module, as in a site: without one, Django does not set the time zone of the process to TIME_ZONE.
    settings = types.ModuleType("djangotests_settings")
    settings.SECRET_KEY = "the secret key of Django's tests, run against Go"
    settings.INSTALLED_APPS = [
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sites",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.admin.apps.SimpleAdminConfig",
        "django.contrib.staticfiles",
        "sessions_tests",
        "auth_tests",
    ]
    settings.MIGRATION_MODULES = {"auth": None, "contenttypes": None, "sessions": None}
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    context = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]
    settings.TEMPLATES = [{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [os.path.join(os.getcwd(), "templates")],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": context},
    }]
    settings.ROOT_URLCONF = "urls"
    settings.STATIC_URL = "static/"
    settings.SITE_ID = 1
    settings.LANGUAGE_CODE = "en"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    settings.USE_TZ = False
    settings.LOGGING_CONFIG = None
    logging.getLogger().addHandler(logging.NullHandler())  # tests that look at the log have handlers of their own
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(folder / "cache")}
    }
    settings.DATABASES = {
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database, "TEST": {"NAME": database}}
    }
    sys.modules[settings.__name__] = settings
    os.environ["DJANGO_SETTINGS_MODULE"] = settings.__name__


def install():
    """Replace Django's classes by Go's, before Django's tests or models import them."""
    import gosessions
    import gosigning

    gosessions.install()
    gosigning.install()

    import django
    from django.test import TestCase

    django.setup()
    gosessions.keep_model()
    # In a transaction around each test, Go would not see the writes of the test. Without one Django flushes the database,
    # which takes long with the tables of all apps.
    TestCase._databases_support_transactions = classmethod(lambda cls: False)
    TestCase._fixture_teardown = lambda self: restore()


snapshot = sqlite3.connect(":memory:", check_same_thread=False)


def keep_database():
    """Keep a copy of the database as it is before the first test."""
    from django.db import connection

    connection.connection.backup(snapshot)


def restore():
    """Restore that copy."""
    from django.db import connection

    connection.ensure_connection()
    snapshot.backup(connection.connection)


class Result(unittest.TextTestResult):
    """Records the result of each test, and whether it called Go."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.run = {}  # test id: None, or why it did not pass
        self.skips = set()

    def startTest(self, test):
        super().startTest(test)
        self.run[test.id()] = None
        self.asked_before = asked()

    def stopTest(self, test):
        if asked() == self.asked_before and self.run.get(test.id(), "") is None:
            self.run[test.id()] = "it passed, and asked nothing of Go\n"
        super().stopTest(test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skips.add(test.id())
        self.run.pop(test.id(), None)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.run[test.id()] = self.failures[-1][1]

    def addError(self, test, err):
        super().addError(test, err)
        self.run[test.id()] = self.errors[-1][1]

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.run[test.id()] = self._exc_info_to_string(err, test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.run[test.id()] = "unexpected success: Django expects it to fail"

def asked():
    from gostore import gostore

    return gostore.asked


def run_tests(labels):
    from django.test.runner import DiscoverRunner

    class Runner(DiscoverRunner):
        def get_test_runner_kwargs(self):
            quiet = {"resultclass": Result, "stream": io.StringIO()}
            return {**super().get_test_runner_kwargs(), **quiet}

        def run_checks(self, databases):
            pass

        def setup_databases(self, **kwargs):
            old = super().setup_databases(**kwargs)
            keep_database()
            return old

        def suite_result(self, suite, result, **kwargs):
            return result

    return Runner(verbosity=0, interactive=False).run_tests(labels)


class Expected:
    """A line of expected.txt."""

    def __init__(self, line):
        self.pattern, self.ending, self.reason, *self.releases = line.split("\t")
        self.matched = False

    def counts(self):
        """Whether the line is for this release of Django."""
        from django import VERSION

        for releases in self.releases:
            word, release = releases.split()
            release = tuple(map(int, release.split(".")))
            if not {"since": VERSION[:2] >= release, "until": VERSION[:2] <= release}[word]:
                return False
        return True

    def matches(self, test):
        return fnmatch.fnmatchcase(test, self.pattern)

    def explains(self, failure):
        return self.ending in failure.strip().splitlines()[-1]


def read_expected():
    lines = (HERE / "expected.txt").read_text().splitlines()
    expected = [Expected(line) for line in lines if line and not line.startswith("#")]
    return [line for line in expected if line.counts()]


def report(result, expected, complete):
    """Print the results of each class of tests, and the unexpected ones. Return the exit status."""
    unexpected = []
    classes = {}  # name: [run, passed, explained]
    for test, failure in result.run.items():
        line = next((line for line in expected if line.matches(test)), None)
        if line:
            line.matched = True
        explained = bool(line and failure and line.explains(failure))
        if failure and not explained:
            unexpected.append("FAIL %s\n%s" % (test, failure))
        elif line and not failure:
            unexpected.append("PASS %s\nexpected.txt says that it fails: %s" % (test, line.reason))
        counts = classes.setdefault(test.rpartition(".")[0], [0, 0, 0])
        counts[0] += 1
        counts[1] += not failure
        counts[2] += explained
    for line in expected if complete else []:
        if not line.matched:
            unexpected.append("NONE %s\nexpected.txt names it, and there is no such test" % line.pattern)

    print("%-55s %5s %7s %10s" % ("", "run", "passed", "explained"))
    classes["all"] = [sum(column) for column in zip(*classes.values())]
    for name, counts in classes.items():
        print("%-55s %5d %7d %10d" % (name, *counts))
    for text in unexpected:
        print("\n" + text)
    print("%d run, %d passed, %d explained in expected.txt, %d unexpected; Django skips %d" % (
        *classes["all"], len(unexpected), len(result.skips)))
    return 1 if unexpected else 0


def main():
    program, django_folder, *labels = sys.argv[1:]
    program, tests = os.path.abspath(program), os.path.join(os.path.abspath(django_folder), "tests")
    sys.dont_write_bytecode = True  # not into the repository
    sys.path[:0] = [str(HERE), os.path.dirname(tests), tests]
    os.chdir(tests)  # A label is also taken for a folder.
    faulthandler.dump_traceback_later(600, exit=True)  # if Go does not answer
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder))
        from gostore import gostore

        gostore.start(program)
        install()
        result = run_tests(labels or [*LABELS, *auth_labels()])
        if status := gostore.stop():
            sys.exit("gostore ended with status %d" % status)
    sys.exit(report(result, read_expected(), complete=not labels))


if __name__ == "__main__":
    main()
