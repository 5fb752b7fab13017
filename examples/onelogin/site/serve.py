"""Serves the site on a free port, for the Go program that started this script.

The script ends when the Go program ends: the system then closes our standard input.
"""

import logging
import os
import signal
import sys
import threading

signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for the Go program, which still has requests to finish
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

call_command("migrate", verbosity=0)

User = get_user_model()
if not User.objects.filter(username="alice").exists():
    password = (settings.DATA / "password").read_text().strip()
    User.objects.create_user("alice", "alice@example.com", password)

logging.getLogger("django.server").setLevel("ERROR")  # do not log each request
server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
server.set_app(application)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.buffer.read()
