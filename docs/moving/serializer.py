"""Two classes for SESSION_SERIALIZER that read JSON and pickles. JSONSerializer writes JSON.

They are for a site that leaves Django's PickleSerializer, which Django 5.0 no longer has. pickle.md has the steps. Copy
this file into the site, as mysite/serializer.py. It works in Django 2.2 to 6.1.

JSON has no form for some of Python's types. They are written by the same rules as in "djsess convert":

    datetime, date, time           isoformat()
    timedelta, Decimal, UUID       str()
    bytes, bytearray               base64
    tuple, set, frozenset, deque   a list

A key of a dict becomes a text. So the code of the site must expect what it gets back: a text in place of a Decimal.
For any other object JSONSerializer.lost decides.

As long as the site reads pickles, anybody who knows SECRET_KEY and can write to the store can run code in the site, as
with Django's PickleSerializer.
"""

import base64
import collections
import datetime
import decimal
import json
import math
import pickle
import uuid

import django
from django.utils import timezone


class JSONSerializer:
    def dumps(self, obj):
        values = {}
        for name, value in obj.items():
            if name == "_session_expiry" and isinstance(value, datetime.datetime) and django.VERSION < (4, 1):
                value = self.seconds_left(value)
            try:
                name, value = self.key(name), self.portable(value)
            except TypeError as error:
                replaced = self.lost(name, value, error)
                if replaced is None:
                    continue
                name, value = self.key(name), replaced
            values[name] = value
        return json.dumps(values, separators=(",", ":")).encode("latin-1")

    def loads(self, data):
        # An object in JSON begins with a brace, and no pickle does.
        if data[:1] == b"{":
            return json.loads(data.decode("latin-1"))
        return pickle.loads(data)

    def lost(self, name, value, error):
        """Returns what is written for a value that JSON cannot hold, or None to leave it out.

        By default the error goes to the view that saves the session, so that no value is lost unseen.
        """
        raise TypeError("session value %r: %s" % (name, error))

    def portable(self, value):
        """Returns a value that json.dumps takes."""
        if value is None or isinstance(value, (str, int, float)):
            return value
        if isinstance(value, dict):
            return {self.key(k): self.portable(v) for k, v in value.items()}
        if isinstance(value, (list, tuple, set, frozenset, collections.deque)):
            return [self.portable(v) for v in value]
        if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
            return value.isoformat()
        if isinstance(value, (datetime.timedelta, decimal.Decimal, uuid.UUID)):
            return str(value)
        if isinstance(value, (bytes, bytearray)):
            return base64.b64encode(value).decode("ascii")
        raise TypeError("JSON has no form for %s.%s" % (type(value).__module__, type(value).__qualname__))

    def key(self, key):
        if key is None or isinstance(key, (str, int, float)):
            return key
        text = self.portable(key)
        if not isinstance(text, str):
            raise TypeError("JSON has no form for a key that is a %s" % type(key).__qualname__)
        return text

    def seconds_left(self, end):
        """set_expiry(datetime) as seconds: before 4.1 Django cannot read the text of a datetime."""
        now = timezone.now()
        if timezone.is_naive(end) != timezone.is_naive(now):
            now = timezone.make_naive(now) if timezone.is_naive(end) else timezone.make_aware(now)
        return max(math.ceil((end - now).total_seconds()), 1)  # zero would mean: until the browser closes


class PickleSerializer(JSONSerializer):
    """Writes pickles. It is for the first roll-out, when other workers do not read JSON yet."""

    def dumps(self, obj):
        return pickle.dumps(obj, pickle.HIGHEST_PROTOCOL)
