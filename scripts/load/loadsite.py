"""A Django site whose one page reads a session. As a program it makes the tables and prints a session's key."""
import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="load",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="loadsite",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "site", "USER": "site",
                           "HOST": "127.0.0.1", "PORT": os.environ["LOAD_PORT"], "CONN_MAX_AGE": int(os.environ.get("CONN_MAX_AGE", 0))}},
)
django.setup()

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path


def page(request):
    return HttpResponse("Hello, " + request.session["name"])


urlpatterns = [path("", page)]
application = get_wsgi_application()

if __name__ == "__main__":
    from django.contrib.sessions.backends.db import SessionStore

    call_command("migrate", verbosity=0)
    session = SessionStore()
    session["name"], session["cart"] = "Alice", {"42": {"qty": 1, "price": 9.5}}
    session.save()
    print(session.session_key)
