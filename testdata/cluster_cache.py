"""Redis Cluster for Django, which has no cache for it. A site writes such a cache itself, with redis-py's client for clusters."""
import django
from django_redis.pool import ConnectionFactory as DjangoRedisFactory
from redis.cluster import RedisCluster

if django.VERSION >= (4, 0):
    from django.core.cache.backends import redis

    class Client(redis.RedisCacheClient):
        cluster = None

        def get_client(self, key=None, *, write=False):
            if self.cluster is None:
                self.cluster = RedisCluster.from_url(self._servers[0])
            return self.cluster

    class Cache(redis.RedisCache):
        """A BACKEND. Its LOCATION is one of the nodes."""

        def __init__(self, server, params):
            super().__init__(server, params)
            self._class = Client


class ConnectionFactory(DjangoRedisFactory):
    """A CONNECTION_FACTORY for django-redis. LOCATION is one of the nodes."""

    def connect(self, url):
        return RedisCluster.from_url(url)

    def disconnect(self, connection):
        connection.close()
