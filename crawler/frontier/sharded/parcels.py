"""Splits what visits found by shard, and packs what is for shards of other nodes."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from operator import methodcaller
from typing import Any

import numpy as np
import orjson

from ...dataclass import dataclass
from ...model import Disposition, Lease, Links, Outcome, Page, Request
from ..discovery import FoundLinks, Leads
from ..extras import Extra, bare, complete, extra_of, has_extra
from ..order import Entry, key, pack, unpack

ShardOf = Callable[[str], int]
Asked = tuple[Sequence[Request], Entry | None]
"""Requests that were found in one place, and the request whose visit found them, if one did."""
_PARTS: Sequence[tuple[str, Leads]] = (("news", "in"), ("beyond", "beyond"), ("requisites", "requisites"))
"""Fields of a page with links, and where these lead."""
_LEVEL = 1
"""zlib's fastest: texts of links are alike, and the level hardly matters."""


@dataclass(slots=True)
class Parcel:
    """Links and requests for one shard."""

    links: list[FoundLinks] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def add_links(self, found: FoundLinks) -> None:
        self.links.append(found)

    def add_requests(self, requests: Sequence[Request], parent: Entry | None) -> None:
        self.asked.append((requests, parent))


class Parcels(dict[int, Parcel]):
    """Parcels by shard; those that are not there yet are made."""

    def __missing__(self, shard: int) -> Parcel:
        parcel = self[shard] = Parcel()
        return parcel


def split_outcome(outcome: Outcome, entry: Entry, home: int, shard_of: ShardOf, parcels: Parcels) -> Outcome:
    """Returns the outcome with what it found in its own shard, and puts the rest into parcels."""
    page, found = outcome.page, outcome.found
    if page is not None:
        kept: dict[str, Any] = {}
        for name, leads in _PARTS:
            links: Links = getattr(page, name)
            if links.fingerprints:
                mine, others = split_links(links, home, shard_of)
                for shard, part in others.items():
                    parcels[shard].add_links(FoundLinks(outcome, entry, part, leads=leads))
                if others:
                    kept[name] = mine
        if kept:
            outcome = replace(outcome, page=replace(page, **kept))
    strangers = [request for request in found if shard_of(request.url.text) != home]
    if strangers:
        outcome = replace(outcome, found=tuple([one for one in found if one not in strangers]))
        put_requests(strangers, entry, shard_of, parcels)
    return outcome


def put_requests(requests: Iterable[Request], parent: Entry | None, shard_of: ShardOf, parcels: Parcels) -> None:
    """Puts requests into the parcels for their shards."""
    groups: dict[int, list[Request]] = {}
    for request in requests:
        groups.setdefault(shard_of(request.url.text), []).append(request)
    for shard, group in groups.items():
        parcels[shard].add_requests(group, parent)


def split_links(links: Links, home: int, shard_of: ShardOf) -> tuple[Links, Mapping[int, Links]]:
    """Returns the links to sites of the shard `home`, and those to others, by shard."""
    texts = links.split()
    first = texts[0][: texts[0].index("/", 8) + 1]
    if all(map(methodcaller("startswith", first), texts)):
        shard = shard_of(first)
        return (links, {}) if shard == home else (Links(), {shard: links})
    shards = [shard_of(text) for text in texts]
    if len(set(shards)) == 1:
        return (links, {}) if shards[0] == home else (Links(), {shards[0]: links})
    places: dict[int, list[int]] = {}
    for place, shard in enumerate(shards):
        places.setdefault(shard, []).append(place)
    mine = _choose(links, texts, places.pop(home, []))
    return mine, {shard: _choose(links, texts, chosen) for shard, chosen in places.items()}


def _choose(links: Links, texts: Sequence[str], places: Sequence[int]) -> Links:
    if not places:
        return Links()
    return Links(
        "\n".join([texts[i] for i in places]),
        np.frombuffer(links.fingerprints, "<u8")[places].tobytes(),
        np.frombuffer(links.priorities, "i1")[places].tobytes() if links.priorities else b"",
        np.frombuffer(links.modified, "<u4")[places].tobytes() if links.modified else b"",
    )


# -- packing ---------------------------------------------------------------------------------------------------------


def pack_parcel(parcel: Parcel) -> bytes:
    """Returns a parcel as a message for another node."""
    links = [
        [_pack_entry(one.parent), one.outcome.page.kind if one.outcome.page else "", one.leads, one.links.texts,
         *(_text(part) for part in (one.links.fingerprints, one.links.priorities, one.links.modified))]
        for one in parcel.links
    ]  # fmt: skip
    asked = [[parent and _pack_entry(parent), [_pack_request(one) for one in group]] for group, parent in parcel.asked]
    return zlib.compress(orjson.dumps([links, asked]), _LEVEL)


def unpack_parcel(data: bytes) -> Parcel:
    """Returns what another node packed."""
    links, asked = orjson.loads(zlib.decompress(data))
    return Parcel(
        [_unpack_links(*one) for one in links],
        [([_unpack_request(*one) for one in group], parent and _unpack_entry(parent)) for parent, group in asked],
    )


def _unpack_links(
    packed: Sequence[object], kind: str, leads: Leads, texts: str, fingerprints: str, priorities: str, modified: str
) -> FoundLinks:
    parent = _unpack_entry(packed)
    links = Links(texts, b64decode(fingerprints), b64decode(priorities), b64decode(modified))
    outcome: Outcome = Outcome(Lease(parent.request, parent.row), Disposition.FETCHED, page=Page(b"", kind=kind))
    return FoundLinks(outcome, parent, links, leads=leads)


def _pack_entry(entry: Entry) -> list[object]:
    """Returns an entry without its rank, which takes more bits than JSON has, and without what only its store knows."""
    return [entry.row, *pack(bare(entry))[1:-1]]


def _unpack_entry(packed: Sequence[object]) -> Entry:
    return unpack((*packed, None))  # type: ignore[arg-type]


def _pack_request(request: Request) -> list[object]:
    said = extra_of(request, 0)[1:] if has_extra(request) else None
    return [_pack_entry(Entry(key(0, 0), request, 0, 0)), said]


def _unpack_request(packed: Sequence[object], said: Sequence[str] | None) -> Request:
    request = _unpack_entry(packed).request
    return complete(request, Extra(0, *said)) if said else request


def _text(data: bytes) -> str:
    return b64encode(data).decode()
