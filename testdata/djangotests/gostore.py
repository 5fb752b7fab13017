"""The Go program internal/testing/gostore: one request a line, one reply a line."""
import base64
import datetime
import json
import subprocess
import threading

from django.utils.timezone import make_aware

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


class GoError(Exception):
    """An error of Go's. kind is its name in internal/testing/gostore/errors.go."""

    def __init__(self, kind, text):
        super().__init__("%s: %s" % (kind, text))
        self.kind = kind


class GoStore:
    """The running program. Requests from several threads take turns."""

    def __init__(self):
        self.lock = threading.Lock()
        self.process = None
        self.asked = 0  # how many requests there were

    def start(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()

    def ask(self, op, **fields):
        line = json.dumps({"op": op, **fields}).encode() + b"\n"
        with self.lock:
            self.asked += 1
            self.process.stdin.write(line)
            self.process.stdin.flush()
            reply = self.process.stdout.readline()
        if not reply:
            raise RuntimeError("gostore ended at the request %s" % op)
        reply = json.loads(reply)
        if error := reply.get("error"):
            raise GoError(error["kind"], error["text"])
        return reply["result"]


gostore = GoStore()


def to_base64(text):
    """Bytes, or the UTF-8 of a text, as encoding/json writes a []byte."""
    if isinstance(text, str):
        text = text.encode()
    return base64.b64encode(text).decode()


def from_base64(text):
    return base64.b64decode(text).decode()


def to_microseconds(value):
    """A timedelta, or a datetime since 1970; without an offset it is in the current time zone."""
    if isinstance(value, datetime.datetime):
        value = (value if value.tzinfo else make_aware(value)) - EPOCH
    return value // MICROSECOND
