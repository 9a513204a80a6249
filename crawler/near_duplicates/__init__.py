"""Finds pages whose text nearly repeats that of an earlier page of the crawl (docs/near-duplicates.md).

`marking` is the door: it looks at outcomes before they are written, and settles as a sink does. `index` is what it
asks: the sketches of all texts that are no near duplicates, in a database.
"""

from .index import FILE, Index, Text
from .marking import NearDuplicates, open_near_duplicates

__all__ = ["FILE", "Index", "NearDuplicates", "Text", "open_near_duplicates"]
