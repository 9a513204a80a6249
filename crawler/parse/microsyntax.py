"""Takes apart attribute values that contain URLs among other things. Standard: WHATWG HTML."""

from __future__ import annotations

import re
from collections.abc import Callable

_SPACE = "\t\n\f\r "
_REFRESH = re.compile(
    r"[\t\n\f\r ]*+(?=[0-9.])[0-9.]*+(?:$|(?=[;,\t\n\f\r ])[\t\n\f\r ]*+[;,]?+[\t\n\f\r ]*+(.*))",
    re.DOTALL,
)
_REFRESH_URL = re.compile(
    r"(?:url[\t\n\f\r ]*+=[\t\n\f\r ]*+)?(?:'([^']*)|\"([^\"]*)|(.*))",
    re.DOTALL | re.IGNORECASE,
)
_GAP = re.compile(r"[\t\n\f\r ,]*+")
_WORD = re.compile(r"[^\t\n\f\r ]++")
_DESCRIPTORS = re.compile(r"(?:[^,()]++|\)|\([^)]*+(?:\)|$))*+")
"""Matches up to a comma outside parentheses. A parenthesis that is never closed contains the rest."""
_DESCRIPTOR = re.compile(r"(?:[^\t\n\f\r ()]++|\)|\([^)]*+(?:\)|$))++")
_WIDTH = re.compile(r"[0-9]++w")
_HEIGHT = re.compile(r"[0-9]++h")
_DENSITY = re.compile(r"(-?(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)x")


def refresh_target(content: str) -> str | None:
    """Returns the target of `<meta http-equiv=refresh>` or a Refresh header.

    It is empty for the page itself, and None if the content is invalid.
    """
    timed = _REFRESH.match(content)
    if not timed:
        return None
    found = _REFRESH_URL.match(timed[1] or "")
    return next((part for part in found.groups() if part), "") if found else ""


def srcset_urls(value: str) -> list[str]:
    """Returns the URLs in a `srcset`, in order, without candidates whose descriptors are wrong."""
    urls, at = [], 0
    while (at := _end(_GAP, value, at)) < len(value):
        start, at = at, _end(_WORD, value, at)
        url = value[start:at]
        if url.endswith(","):
            urls.append(url.rstrip(","))
            continue
        start, at = at, _end(_DESCRIPTORS, value, at)
        if _is_candidate(_DESCRIPTOR.findall(value[start:at])):
            urls.append(url)
    return urls


def replace_in_srcset(value: str, replace: Callable[[str], str]) -> str:
    """Returns a `srcset` with each URL replaced."""
    candidates, at = list[str](), 0
    while (at := _end(_GAP, value, at)) < len(value):
        start, at = at, _end(_WORD, value, at)
        url = value[start:at]
        if url.endswith(","):
            candidates.append(_as_word(replace(url.rstrip(","))))
            continue
        start, at = at, _end(_DESCRIPTORS, value, at)
        candidates.append(f"{_as_word(replace(url))} {value[start:at].strip(_SPACE)}".rstrip())
    return ", ".join(candidates)


def replace_in_refresh(content: str, replace: Callable[[str], str]) -> str:
    """Returns the content of `<meta http-equiv=refresh>` with its target replaced, if it has one."""
    target = refresh_target(content)
    return f"{content.partition(';')[0].partition(',')[0].split()[0]}; url={replace(target)}" if target else content


def _as_word(url: str) -> str:
    """Returns a URL that a comma may follow."""
    return f"{url[:-1]}%2C" if url.endswith(",") else url


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _is_candidate(descriptors: list[str]) -> bool:
    """Whether these descriptors may stand together: a width with or without a height, or one density, or none."""
    width = height = density = False
    for descriptor in descriptors:
        if _WIDTH.fullmatch(descriptor) and not (width or density) and descriptor.strip("0w"):
            width = True
        elif _HEIGHT.fullmatch(descriptor) and not (height or density) and descriptor.strip("0h"):
            height = True
        elif (number := _DENSITY.fullmatch(descriptor)) and not (width or height or density) and float(number[1]) >= 0:
            density = True
        else:
            return False
    return width or not height
