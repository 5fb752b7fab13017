"""Drives real sites and a Go service beside each over HTTP, as a browser does: see run.

usage: sites.py FOLDER DJSESS SERVICE [SITE…]

FOLDER has a virtual environment for each site. DJSESS is the command, SERVICE the program in testdata/sites/service.
"""

import html.parser
import http.cookiejar
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

folder, djsess, service = pathlib.Path(sys.argv[1]), os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
password = "correct horse battery staple"


class Form(html.parser.HTMLParser):
    """Collects the fields of the form whose fields include a name."""

    def __init__(self, text, field):
        super().__init__()
        self.forms, self.wanted = [], field
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append({})
        elif tag in ("input", "button") and attrs.get("name") and self.forms and attrs.get("type") not in ("checkbox", "radio"):
            self.forms[-1][attrs["name"]] = attrs.get("value") or ""

    def fields(self):
        for form in self.forms:
            if self.wanted in form:
                return form
        raise AssertionError("no form on this page has a field %s" % self.wanted)


class Browser:
    """One visitor's cookies, for the site and for the Go service."""

    def __init__(self, site):
        self.site = site
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def open(self, url, data=None, referer=None):
        request = urllib.request.Request(url, urllib.parse.urlencode(data).encode() if data else None, {"Referer": referer or url})
        try:
            with self.opener.open(request) as response:
                return response.geturl(), response.read().decode()
        except urllib.error.HTTPError as e:
            raise AssertionError("%s: status %d" % (url, e.code)) from None

    def get(self, path):
        return self.open(self.site.url + path)

    def submit(self, page, field, **values):
        """Fills in the form of a page that has this field, and sends it."""
        return self.post(page, page, field, **values)

    def post(self, page, path, field, **values):
        url, text = self.get(page)
        fields = Form(text, field).fields()
        fields.update(values)
        return self.open(self.site.url + path if path != page else url, fields, referer=url)

    def go(self, path, **data):
        return self.open(self.site.go + path, data)[1]

    def session(self):
        return json.loads(self.go("/go/session"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port, process):
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("%s ended" % " ".join(process.args[:3]))


class Site:
    """A site that was just made, with its server and the Go service."""

    manage = ("manage.py",)
    hash_flags = ()

    def __init__(self):
        self.python = folder / self.name / "bin" / "python"
        self.dir = folder / (self.name + "-site")
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(mode=0o755)
        self.port, self.go_port = free_port(), free_port()
        self.url, self.go = "http://127.0.0.1:%d" % self.port, "http://127.0.0.1:%d" % self.go_port
        self.env = {**os.environ, **self.environment()}
        self.processes = []

    def environment(self):
        return {}

    def run(self, *args, **options):
        done = subprocess.run([str(a) for a in args], cwd=self.dir, env=self.env, text=True, capture_output=True, **options)
        if done.returncode:
            raise AssertionError("%s: %s" % (args[:3], done.stderr[-3000:]))
        return done.stdout

    def manage_py(self, *args):
        return self.run(self.python, *self.manage, *args)

    def shell(self, code):
        return self.manage_py("shell", "-v", "0", "-c", code)

    def start(self):
        log = open(self.dir / "server.log", "w")
        server = subprocess.Popen([str(self.python), *self.manage, "runserver", "--noreload", "127.0.0.1:%d" % self.port], cwd=self.dir, env=self.env, stdout=log, stderr=log)
        self.processes.append(server)
        await_port(self.port, server)

    def start_service(self):
        """Starts Go, which is told the file that init wrote, and SECRET_KEY."""
        secret = (self.dir / "djsess-secret-key").read_text().rstrip("\n")
        log = open(self.dir / "go.log", "w")
        flags = ["-file", "djsess-settings.json", "-addr", "127.0.0.1:%d" % self.go_port, *self.hash_flags]
        process = subprocess.Popen([service, *flags], cwd=self.dir, env={"DJANGO_SECRET_KEY": secret}, stdout=log, stderr=log)
        self.processes.append(process)
        await_port(self.go_port, process)

    def init(self, step):
        """Has djsess init write its files, and makes those that it asks for. Then the command needs no flag."""
        said = self.run(djsess, "init", "--python", self.python)
        for command in re.findall(r"^    (\(umask 077; .*)$", said, re.M):
            self.run("sh", "-c", command)
        written = said + (self.dir / "djsess-settings.json").read_text() + (self.dir / "djsess.toml").read_text()
        step("djsess init wrote its files without SECRET_KEY", (self.dir / "djsess-secret-key").read_text().strip() not in written)
        step("djsess list shows the sessions", len(self.run(djsess, "list", "-o", "json").splitlines()) == 1)
        key = self.run(djsess, "create", "color=red").strip()
        step("djsess get shows the session that djsess create wrote", '"color": "red"' in self.run(djsess, "get", key))
        color = self.shell("from importlib import import_module; from django.conf import settings; print(import_module(settings.SESSION_ENGINE).SessionStore(%r).get('color'))" % key)
        step("the site reads it", color.split()[-1] == "red")
        self.run(djsess, "delete", key)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()

    def said(self):
        return (self.dir / "go.log").read_text()

    def drive(self):
        steps = []

        def step(text, ok=True):
            steps.append(text)
            if not ok:
                raise AssertionError(text)
            print("  " + text, flush=True)

        visitor = Browser(self)
        self.login(visitor)
        step("logged in at the site's own page")
        self.init(step)
        self.start_service()
        step("Go started with the settings file, SECRET_KEY" + (" and the hash alone" if self.hash_flags else " alone"))
        step("Go knows the user %s" % self.user, visitor.go("/go/user") == self.user)
        self.in_between(visitor, step)
        visitor.go("/go/set", name="from_go", value="1")
        step("a second write of Go's is there", visitor.session().get("from_go") == "1")
        step("the site knows the user", self.is_logged_in(visitor))
        other = Browser(self)
        step("a visitor without a login is nobody to Go", other.go("/go/user") == "")
        self.login(other)
        self.logout(visitor)
        step("logged out at the site: Go knows nobody", visitor.go("/go/user") == "" and not self.is_logged_in(visitor))
        step("the other login of the same user goes on at Go and at the site", other.go("/go/user") == self.user and self.is_logged_in(other))
        before = {c.name: c.value for c in other.jar}
        other.go("/go/logout", _="")
        step("logged out at Go: the site knows nobody", not self.is_logged_in(other) and other.go("/go/user") == "")
        stale = Browser(self)
        name = self.cookie
        stale.opener.addheaders = [("Cookie", "%s=%s" % (name, before[name]))]
        step("the old cookie is worth nothing either", not self.is_logged_in(stale) and stale.go("/go/user") == "")
        self.login(other)
        step("logged in again: Go knows the user", other.go("/go/user") == self.user)
        step("Go logged no refusal", "refusal" not in self.said())


class Wagtail(Site):
    name, user, cookie = "wagtail", "zoe", "sessionid"

    def make(self):
        self.run(folder / self.name / "bin" / "wagtail", "start", "mysite", ".")
        self.manage_py("migrate", "-v", "0")
        self.shell("from django.contrib.auth import get_user_model as m; m().objects.create_superuser('zoe', 'zoe@example.com', %r)" % password)

    def login(self, b):
        b.submit("/admin/login/", "username", username="zoe", password=password)
        assert self.is_logged_in(b), "login failed"

    def logout(self, b):
        token = next(c.value for c in b.jar if c.name == "csrftoken")
        b.open(self.url + "/admin/logout/", {"csrfmiddlewaretoken": token})

    def is_logged_in(self, b):
        return "/login" not in b.get("/admin/")[0]

    def in_between(self, b, step):
        b.go("/go/set", name="note", value="from Go")
        step("Go's value is in the session that Django serves", b.session()["note"] == "from Go" and self.is_logged_in(b))


class Oscar(Site):
    """A shop as django-oscar's documentation, "Building your own shop", sets it up."""

    name, user, cookie = "oscar", "zoe", "sessionid"

    def make(self):
        self.run(self.python, "-m", "django", "startproject", "frobshop", ".")
        with open(self.dir / "frobshop" / "settings.py", "a") as f:
            f.write("""
from oscar.defaults import *
INSTALLED_APPS = INSTALLED_APPS + [
    'django.contrib.sites', 'django.contrib.flatpages',
    'oscar.config.Shop', 'oscar.apps.analytics.apps.AnalyticsConfig', 'oscar.apps.checkout.apps.CheckoutConfig',
    'oscar.apps.address.apps.AddressConfig', 'oscar.apps.shipping.apps.ShippingConfig', 'oscar.apps.catalogue.apps.CatalogueConfig',
    'oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig', 'oscar.apps.communication.apps.CommunicationConfig',
    'oscar.apps.partner.apps.PartnerConfig', 'oscar.apps.basket.apps.BasketConfig', 'oscar.apps.payment.apps.PaymentConfig',
    'oscar.apps.offer.apps.OfferConfig', 'oscar.apps.order.apps.OrderConfig', 'oscar.apps.customer.apps.CustomerConfig',
    'oscar.apps.search.apps.SearchConfig', 'oscar.apps.voucher.apps.VoucherConfig', 'oscar.apps.wishlists.apps.WishlistsConfig',
    'oscar.apps.dashboard.apps.DashboardConfig', 'oscar.apps.dashboard.reports.apps.ReportsDashboardConfig',
    'oscar.apps.dashboard.users.apps.UsersDashboardConfig', 'oscar.apps.dashboard.orders.apps.OrdersDashboardConfig',
    'oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig', 'oscar.apps.dashboard.offers.apps.OffersDashboardConfig',
    'oscar.apps.dashboard.partners.apps.PartnersDashboardConfig', 'oscar.apps.dashboard.pages.apps.PagesDashboardConfig',
    'oscar.apps.dashboard.ranges.apps.RangesDashboardConfig', 'oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig',
    'oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig', 'oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig',
    'oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig',
    'widget_tweaks', 'haystack', 'treebeard', 'sorl.thumbnail', 'django_tables2',
]
SITE_ID = 1
MIDDLEWARE = MIDDLEWARE + ['oscar.apps.basket.middleware.BasketMiddleware', 'django.contrib.flatpages.middleware.FlatpageFallbackMiddleware']
TEMPLATES[0]['OPTIONS']['context_processors'] += [
    'oscar.apps.search.context_processors.search_form', 'oscar.apps.checkout.context_processors.checkout',
    'oscar.apps.communication.notifications.context_processors.notifications', 'oscar.core.context_processors.metadata',
]
AUTHENTICATION_BACKENDS = ('oscar.apps.customer.auth_backends.EmailBackend', 'django.contrib.auth.backends.ModelBackend')
HAYSTACK_CONNECTIONS = {'default': {'ENGINE': 'haystack.backends.simple_backend.SimpleEngine'}}
OSCAR_INITIAL_ORDER_STATUS = 'Pending'
EMAIL_BACKEND = 'django.core.mail.backends.dummy.EmailBackend'
""")
        (self.dir / "frobshop" / "urls.py").write_text("""
from django.apps import apps
from django.urls import include, path
urlpatterns = [path('i18n/', include('django.conf.urls.i18n')), path('', include(apps.get_app_config('oscar').urls[0]))]
""")
        self.manage_py("migrate", "-v", "0")
        self.shell("""
from django.contrib.auth import get_user_model
from oscar.core.loading import get_model
get_user_model().objects.create_user('zoe', 'zoe@example.com', %r)
get_model('address', 'Country').objects.create(iso_3166_1_a2='GB', printable_name='United Kingdom', is_shipping_country=True)
kind = get_model('catalogue', 'ProductClass').objects.create(name='Books')
product = get_model('catalogue', 'Product').objects.create(title='A book', product_class=kind, structure='standalone')
partner = get_model('partner', 'Partner').objects.create(name='P')
get_model('partner', 'StockRecord').objects.create(product=product, partner=partner, partner_sku='1', price='9.99', num_in_stock=10)
""" % password)

    def login(self, b):
        b.submit("/accounts/login/", "login-username", **{"login-username": "zoe@example.com", "login-password": password, "login_submit": "Log In"})
        assert self.is_logged_in(b), "login failed"

    def logout(self, b):
        b.get("/accounts/logout/")

    def is_logged_in(self, b):
        return "/login" not in b.get("/accounts/profile/")[0]

    def in_between(self, b, step):
        product = "/catalogue/a-book_1/"
        b.post(product, "/basket/add/1/", "quantity", quantity="2")
        step("two books are in the basket", "A book" in b.get("/basket/")[1])
        b.submit("/checkout/shipping-address/", "first_name", first_name="Zoe", last_name="Z", line1="1 Road", line4="Town", postcode="N12 9RT", country="GB")
        begun = b.session()["checkout_data"]
        step("in mid-checkout Go reads the shipping address from the session", begun["shipping"]["new_address_fields"]["line4"] == "Town")
        b.go("/go/set", name="note", value="from Go")
        now = b.session()
        step("Go wrote a value, and the checkout is as it was", now["note"] == "from Go" and now["checkout_data"] == begun)
        url, text = b.get("/checkout/preview/")
        step("the site goes on with the checkout", "/checkout/preview" in url and "1 Road" in text and "A book" in text)
        url, text = b.submit("/checkout/preview/", "action", action="place_order")
        step("the order is placed", "thank-you" in url)
        after = b.session()
        step("after it Go's value is still there, and the checkout is over", after["note"] == "from Go" and not after.get("checkout_data"))


class Pretix(Site):
    name, user, cookie = "pretix", "zoe@example.com", "pretix_session"
    manage = ("-m", "pretix")
    hash_flags = ("-hash-salt", "pretix.base.models.User.get_session_auth_hash", "-hash-columns", "password,email,session_token")

    def environment(self):
        config = self.dir / "pretix.cfg"
        config.write_text("[pretix]\nurl=%s\ndatadir=%s\n[database]\nbackend=sqlite3\n[django]\ndebug=true\n" % (self.url, self.dir / "data"))
        return {"PRETIX_CONFIG_FILE": str(config), "DJANGO_SETTINGS_MODULE": "pretix.settings"}

    def make(self):
        self.manage_py("migrate", "-v", "0")
        self.shell("""
from datetime import timedelta
from django.utils.timezone import now
from django_scopes import scopes_disabled
from pretix.base.models import Event, Item, Organizer, Quota, Team, User
with scopes_disabled():
    User.objects.create_user('zoe@example.com', %r)
    organizer = Organizer.objects.create(name='Org', slug='org')
    event = Event.objects.create(organizer=organizer, name='Fest', slug='fest', date_from=now() + timedelta(days=30), live=True, currency='EUR', plugins='pretix.plugins.banktransfer')
    item = Item.objects.create(event=event, name='Ticket', default_price=10)
    quota = Quota.objects.create(event=event, name='All', size=100)
    quota.items.add(item)
    event.settings.payment_banktransfer__enabled = True
""" % password)

    def login(self, b):
        b.submit("/control/login", "password", email="zoe@example.com", password=password)
        assert self.is_logged_in(b), "login failed"

    def logout(self, b):
        b.get("/control/logout")

    def is_logged_in(self, b):
        return "/login" not in b.get("/control/settings/")[0]

    def in_between(self, b, step):
        b.post("/org/fest/", "/org/fest/cart/add", "csrfmiddlewaretoken", item_1="1")
        begun = b.session()
        step("the ticket is in the cart, and Go reads the cart's key from the session", "carts" in begun and "Ticket" in b.get("/org/fest/")[1])
        b.get("/org/fest/checkout/start")
        b.go("/go/set", name="note", value="from Go")
        now = b.session()
        step("in mid-checkout Go wrote a value, and the cart is as it was", now["note"] == "from Go" and now["carts"].keys() == begun["carts"].keys())
        b.submit("/org/fest/checkout/questions/", "email", email="zoe@example.com")
        after = b.session()
        step("the site goes on with the checkout, and Go's value stays", after["note"] == "from Go" and "zoe@example.com" in json.dumps(after["carts"]))
        step("Go reads what the site wrote into the cart", list(after["carts"].values())[0].get("email") == "zoe@example.com")


failed = 0
for kind in (Wagtail, Oscar, Pretix):
    if len(sys.argv) > 4 and kind.name not in sys.argv[4:]:
        continue
    print(kind.name, flush=True)
    site = kind()
    try:
        site.make()
        site.start()
        site.drive()
    except Exception as e:
        failed += 1
        print("  FAILED: %r\n  the logs are in %s" % (e, site.dir), flush=True)
    finally:
        site.stop()
sys.exit(1 if failed else 0)
