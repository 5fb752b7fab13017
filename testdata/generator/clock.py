"""Stops the clock in every module of Django that reads it."""
import datetime
import time

from django.utils import timezone


class Clock:
    start = 1795176000.25  # 2026-11-20 12:00:00.25 UTC

    def __init__(self):
        self.now = self.start
        time.time = lambda: self.now
        timezone.now = self.datetime

    def datetime(self):
        return datetime.datetime.fromtimestamp(self.now, datetime.timezone.utc)

    def at(self, now):
        """with clock.at(100.9): ..."""
        return _At(self, now)


class _At:
    def __init__(self, clock, now):
        self.clock, self.now = clock, now

    def __enter__(self):
        self.before, self.clock.now = self.clock.now, self.now

    def __exit__(self, *exc):
        self.clock.now = self.before
