"""Checks structured data: JSON-LD that is no JSON, and items of schema.org that lack what Google requires of them.

The fields are those that Google's documentation of rich results names as required. Types that are not listed, their
subtypes among them, are not checked; nor are microdata and RDFa.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

MOST_BYTES = 1 << 20
"""Bytes of JSON-LD of one page that are read."""
MOST_ITEMS = 5000
"""Values of one block that are looked at."""
MOST_FOUND = 50
MOST_ERRORS = 5

REQUIRED: dict[str, tuple[str, ...]] = {
    "AggregateOffer": ("lowPrice", "priceCurrency"),
    "AggregateRating": ("ratingValue", "ratingCount|reviewCount", "itemReviewed"),
    "BreadcrumbList": ("itemListElement",),
    "ClaimReview": ("claimReviewed", "reviewRating", "url"),
    "Course": ("name", "description"),
    "Dataset": ("name", "description"),
    "DiscussionForumPosting": ("author", "datePublished", "text|image|video"),
    "EmployerAggregateRating": ("itemReviewed", "ratingValue", "ratingCount|reviewCount"),
    "Event": ("name", "startDate", "location"),
    "FAQPage": ("mainEntity",),
    "ImageObject": ("contentUrl|url", "creator|creditText|copyrightNotice|license"),
    "ItemList": ("itemListElement",),
    "JobPosting": (
        "title", "description", "datePosted", "hiringOrganization", "jobLocation|applicantLocationRequirements",
    ),
    "LocalBusiness": ("name", "address"),
    "Movie": ("name", "image"),
    "Offer": ("price|priceSpecification",),
    "Product": ("name", "offers|review|aggregateRating"),
    "ProfilePage": ("mainEntity",),
    "QAPage": ("mainEntity",),
    "Recipe": ("name", "image"),
    "Review": ("author", "reviewRating", "itemReviewed"),
    "SoftwareApplication": ("name", "offers", "aggregateRating|review"),
    "VideoObject": ("name", "thumbnailUrl", "uploadDate"),
}  # fmt: skip
"""The fields that an item of each type must have; of those joined by | one is enough. docs/findings.md lists them."""
_OF_PARENT = {"itemReviewed"}
"""Fields that an item need not have within another one, which it then is about."""
_TOP_ALONE = {"ImageObject", "Movie", "ItemList"}
"""Types that Google reads by themselves; within another item they are parts of it, which need less."""
_EMPTY: tuple[object, ...] = (None, "", [], {})


def check(blocks: list[str]) -> tuple[list[list[Any]], list[str]]:
    """Returns the items of a page as pairs of type and missing fields, and the errors of blocks that are no JSON."""
    found: list[list[Any]] = []
    errors: list[str] = []
    room = MOST_BYTES
    for block in blocks:
        room -= len(block)
        if room < 0:
            break
        try:
            data = orjson.loads(block.encode("utf-8", "replace"))
        except orjson.JSONDecodeError as error:
            errors.append(str(error))
            continue
        if "schema.org" in block:
            found += _items(data)
    return found[:MOST_FOUND], errors[:MOST_ERRORS]


def _items(data: object) -> Iterator[list[Any]]:
    """Yields type and missing fields of each item, outermost first."""
    waiting: list[tuple[object, bool]] = [(data, False)]
    for _ in range(MOST_ITEMS):
        if not waiting:
            return
        value, is_within = waiting.pop()
        if isinstance(value, list):
            waiting += [(one, is_within) for one in reversed(value)]
        elif isinstance(value, dict):
            kind = _type(value)
            if kind and not value.keys() <= {"@type", "@id", "@context"}:  # else it is a reference
                yield [kind, _missing(kind, value, is_within=is_within)]
            inner = is_within or bool(kind)
            waiting += [(one, inner and name != "@graph") for name, one in reversed(value.items())]


def _type(item: dict[str, Any]) -> str:
    """Returns the name of an item's type, the one that has required fields if it has several."""
    given = item.get("@type")
    names = [str(one).rpartition("/")[2].removeprefix("schema:")[:80] for one in _as_list(given)]
    return next((name for name in names if name in REQUIRED), names[0] if names else "")


def _as_list(given: object) -> list[object]:
    return given[:MOST_FOUND] if isinstance(given, list) else [] if given is None else [given]


def _missing(kind: str, item: dict[str, Any], *, is_within: bool) -> list[str]:
    if is_within and kind in _TOP_ALONE:
        return []
    return [
        field
        for field in REQUIRED.get(kind, ())
        if not (is_within and field in _OF_PARENT) and all(item.get(name) in _EMPTY for name in field.split("|"))
    ]
