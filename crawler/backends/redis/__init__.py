"""The backend of nodes on any number of machines: a Redis or Valkey server. It holds a log a shard, in its memory."""

from .engine import RedisEngine
from .link import SCHEMES

__all__ = ["SCHEMES", "RedisEngine"]
