"""Write what the tools of Django's world read from URLs, one URL and tool a line.

Of a database it is what Django's backend passes to its driver, so that DATABASES and OPTIONS are read as Django reads them. Of
a Redis it is what redis-py or valkey-py connects to, and of a Memcached what CACHES has. What is read from a URL that a tool
refuses is the type of the error.
"""
import json
import warnings

import dj_database_url
import environ
import pymysql
import redis.connection
import valkey.connection
from django.conf import settings

pymysql.version_info = (2, 2, 7, "final", 0)
pymysql.install_as_MySQLdb()
settings.configure()
warnings.simplefilter("ignore")

DATABASES = """
postgres://u:p@h:5433/site
postgresql://u@h/site
psql://u:p@h/site
pgsql://h/site
postgis://u@h/site
timescale://u@h/site
timescalegis://u@h/site
POSTGRES://u@h/site
postgres://u%40x:p%2Fw%3A%23@h/site%20two
postgres://u:p@ss@h/site
postgres://u:a+b@h/site
postgres://u:50%off@h/site
postgres://u:100%@h/site
postgres://u%C3%A9@h/site
postgres://u:p%zz@h/site
postgres://[::1]:5433/site
postgres://u:p#ss@h/site
postgres://u:p?ss@h/site
postgres://u:p/ss@h/site
postgres://u@h:port/site
postgres://u@h1,h2/site
postgres://u@h1:5433,h2:5434/site?target_session_attrs=read-write
postgres://%2Fvar%2Frun%2Fpostgresql/site
postgres:////var/run/postgresql/site
postgres:////cloudsql/project:region:instance/site
postgres:///site
postgres:///site?host=/var/run/postgresql
postgres:///site?host=/cloudsql/project:region:instance
postgres://u:p@/site?host=/cloudsql/project:region:instance
postgres://u@h/site?host=other
postgres:///site?host=h&port=5433&user=u&password=p
postgres://:5434/site?host=h&port=5433
postgres:///site?host=h1,h2&port=5433,5434
postgres://u@h/site?dbname=other
postgres://u@h/?dbname=other
postgres://u@h/site?currentSchema=beta
postgres://u@h/site?currentSchema=beta&options=-c%20work_mem=1MB
postgres://u@h/site?options=-c%20search_path%3Dbeta
postgres://u@h/site?sslmode=verify-full&sslrootcert=system
postgres://u@h/site?sslmode=require&sslmode=disable
postgres://u@h/site?sslmode=
postgres://u@h/site?application_name=a+b
postgres://u@h/site?application_name=a;b
postgres://u@h/site?conn_max_age=60
postgres://u@h/site?CONN_MAX_AGE=60
postgres://u@h/site?connect_timeout=5&keepalives_idle=30
postgres://u@h
mysql://u:p@h:3307/site
mysql2://u@h/site
mysqlgis://u@h/site
mysql-connector://u@h/site
mysql://u@h/site?ssl-ca=rds.pem
mysql://u@h/site?charset=utf8mb4
mysql://u:p@/site?unix_socket=/run/mysqld/mysqld.sock
mysql:///site?unix_socket=/cloudsql/project:region:instance
mysql://u:p@%2Frun%2Fmysqld%2Fmysqld.sock/site
mysql:////cloudsql/project:region:instance/site
mysql://u@h/site?connect_timeout=5&read_timeout=7
sqlite:///db.sqlite3
sqlite:////tmp/db.sqlite3
sqlite://///tmp/db.sqlite3
sqlite:////tmp/a%20b.sqlite3
sqlite:////tmp/db.sqlite3?timeout=20
spatialite:////tmp/db.sqlite3
sqlite://
sqlite:///
sqlite://:memory:
sqlite:///:memory:
sqlite://db.sqlite3
sqlite://host/db.sqlite3
oracle://u@h/site
redshift://u@h/site
""".split()

CACHES = """
redis://h:6379/1
redis://:p@h:6379/1
redis://u:p@h/1
redis://:50%off@h/1
redis://h
redis://h/
redis://h/1/
redis://h/0/1
redis://h/site
redis:///1
redis://h?db=2
redis://h/1?db=2
redis://h/1?db=2&db=3
redis://h/1?username=u&password=p
redis://v@h/1?username=u&password=p
redis://[::1]:6380/1
redis://h/1?socket_timeout=5&socket_keepalive=1&health_check_interval=30&retry_on_timeout=true
redis://h/1?protocol=3&client_name=site
redis:///run/redis.sock
redis://h1:6379,h2:6380/1
redis://:p@h1,h2/1
redis://h/1?key_prefix=site
redis://h/1?timeout=600
rediscache://h:6379/1
rediscache://h:6379/1?client_class=django_redis.client.DefaultClient&password=p
rediss://h/1
rediss://h/1?ssl_cert_reqs=none
rediss://h/1?ssl_cert_reqs=optional&ssl_check_hostname=false
unix:///run/redis.sock
unix:///run/redis.sock?db=1
unix://u:p@/run/redis.sock?db=1
unix:///run/redis.sock?db=1&username=u&password=p
unix:///run/a%20b.sock
unix://run/redis.sock
valkey://h:6379/1
valkey://u:p@h/1
valkeys://h/1
memcache://h1:11211,h2:11212
memcache:///run/memcached.sock
pymemcache://h:11211/
pymemcache://h1:11211,h2:11211?key_prefix=site&version=2&timeout=600
pylibmc://h:11211?KEY_PREFIX=site
locmemcache://
dbcache://site_cache
""".split()


def django_reads(config):
    """What Django's backend passes to its driver."""
    engine = config["ENGINE"]
    for name, own in {"postgis": "postgresql", "gis.db.backends.mysql": "mysql", "mysql.connector": "mysql", "timescale": "postgresql",
                      "spatialite": "sqlite3"}.items():
        if name in engine:
            engine = "django.db.backends." + own
    for name in ["NAME", "USER", "PASSWORD", "HOST", "PORT"]:
        config.setdefault(name, "")
    config.setdefault("OPTIONS", {})
    config.update({"TIME_ZONE": None, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True, "TEST": {}})
    if not engine.startswith("django.db.backends.") or engine.endswith(".oracle"):
        return {"engine": engine}
    from importlib import import_module
    wrapper = import_module(engine + ".base").DatabaseWrapper(config)
    wrapper.alias = "default"
    params = {name: value for name, value in wrapper.get_connection_params().items()
              if isinstance(value, (str, int, float, dict, list)) and not isinstance(value, bool)}
    for name in ["client_flag", "client_encoding", "conv", "init_command"]:
        params.pop(name, None)
    if engine.endswith(".mysql") and "charset" not in config["OPTIONS"]:
        params.pop("charset")
    return {"engine": engine, **params}


def redis_reads(module):
    def read(url):
        return {name: value.__name__ if isinstance(value, type) else value for name, value in module.parse_url(url).items()}
    return read


def environ_cache(url):
    config = environ.Env.cache_url_config(url)
    if "redis" in config["BACKEND"].lower():
        locations = config["LOCATION"] if isinstance(config["LOCATION"], list) else [config["LOCATION"]]
        config["LOCATION"] = [redis_reads(redis.connection)(location) for location in locations]
    return config


def show(url, tool, read):
    try:
        line = {"reads": read(url)}
    except Exception as e:
        line = {"error": type(e).__name__}
    print(json.dumps({"url": url, "tool": tool, **line}))


for url in DATABASES:
    show(url, "dj-database-url", lambda url: django_reads(dj_database_url.parse(url)))
    show(url, "django-environ", lambda url: django_reads(environ.Env.db_url_config(url)))
for url in CACHES:
    if url.startswith(("redis://", "rediss://", "unix://")):
        show(url, "redis-py", redis_reads(redis.connection))
    if url.startswith("valkey"):
        show(url, "valkey-py", redis_reads(valkey.connection))
    else:
        show(url, "django-environ", environ_cache)
