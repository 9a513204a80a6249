"""The frontier of one node: it decides for the shards that it holds, and a backend remembers."""

from .frontier import ShardedFrontier
from .opening import open_sharded

__all__ = ["ShardedFrontier", "open_sharded"]
