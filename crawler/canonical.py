"""Which spellings of a URL a crawl takes for one: the canonical policy, on top of what the standard says.

What it takes away is what an owner, an advertiser or a newsletter wrote into a link to follow its reader, and what a
server wrote there to know a visitor again. Everything else may mean something: it stays, in its order, byte for byte.
Host names, trailing slashes and the scheme are never touched, for they lead to other pages often enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

TRACKING = (
    *("utm_*", "_ga", "_gl", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "gad_source", "gad_campaignid"),  # Google
    "srsltid",  # Google Merchant Center
    *("fbclid", "igshid", "fb_action_ids", "fb_action_types", "fb_source", "fb_ref"),  # Facebook, Instagram
    *("msclkid", "twclid", "ttclid", "li_fat_id", "rdt_cid", "sccid", "epik"),  # Microsoft and the networks' ads
    *("yclid", "ysclid", "ymclid", "_openstat"),  # Yandex
    *("mc_cid", "mc_eid", "mkt_tok", "vero_id", "vero_conv", "oly_anon_id", "oly_enc_id", "_kx"),  # newsletters
    *("_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp", "hsctatracking"),  # HubSpot
    *("mtm_*", "pk_campaign", "pk_kwd", "pk_source", "pk_medium", "pk_content", "pk_cid"),  # Matomo
)
"""Parameters that only say how a reader came. Names with one meaning alone: no `ref`, `source`, `cid` or `spm`, which
choose a page somewhere."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is folded; small and picklable, for it travels to the workers. Folding twice is folding once."""

    strip_params: tuple[str, ...] = TRACKING
    """Names of query parameters, in any case; `*` stands for anything, `?` for one character."""
    strip_session_ids: bool = True
    """By name where the name has no other meaning, else by a value that nothing but a machine would choose."""
    sort_params: bool = False
    """Order parameters by name; those of one name keep their order. Off: to some servers the order means something."""


DEFAULT_POLICY = Policy()


Fold: TypeAlias = Callable[[str], str]
"""A URL as the standard serialises it, without fragment and credentials -> the one it counts for."""


@lru_cache(maxsize=64)
def folding(policy: Policy) -> Fold:
    """The policy made ready: cheap where there is nothing to fold."""
    strip, is_suspect = _stripper(policy), _suspicion(policy)

    def fold(href: str) -> str:
        start = href.index("/", 8)  # a host may hold a semicolon
        path, _, query = href[start:].partition("?")
        if policy.strip_session_ids and (";" in path or "/(" in path):
            path = _path_sessions(path)
        if policy.sort_params:
            query = _sorted(query)
        for parameter in query.split("&"):
            if is_suspect(parameter.partition("=")[0]):
                rest = strip.sub("", query)
                query = rest if query.startswith("&") else rest.removeprefix("&")
                break
        return f"{href[:start]}{path}?{query}" if query else f"{href[:start]}{path}"

    return fold


def changes(href: str, policy: Policy) -> list[str]:
    """What `folding` does to a URL, in words."""
    path, mark, query = href[href.index("/", 8) :].partition("?")
    said = []
    if policy.strip_session_ids:
        said = [f"session id {match[0]}" for pattern in _PATH_SESSIONS for match in pattern.finditer(path)]
    if policy.sort_params and _sorted(query) != query:
        query = _sorted(query)
        said.append("order of the parameters")
    said += [f"parameter {text.removeprefix('&')}" for text in _stripper(policy).findall(query)]
    return [*said, "empty query"] if mark and not query else said


_ID = r"(?:[0-9a-f]{32}|[0-9a-f]{40}|(?=[a-v]*[0-9])[0-9a-v]{26})"
"""Session ids as PHP and its kin write them: MD5, SHA-1, or five bits a letter."""
_SESSIONS = {
    r"jsessionid": r"[^&]*",
    r"aspsessionid[a-z]{8}": r"[a-z]{24}",
    r"(?:phpsessid|oscsid|zenid)": r"[0-9a-z,-]{16,}",
    r"(?:sid|sessid|session_?id|session-id)": _ID,  # a short one may name a talk or a shop's item
}
"""By the parameter's name: what its value must look like."""
_PATH_SESSIONS = (
    re.compile(r";jsessionid=[^/;]*", re.IGNORECASE),  # Servlet containers
    re.compile(r"/\((?:[asfx]\([0-9a-z_-]{20,}\))+\)(?=/)", re.IGNORECASE),  # ASP.NET without cookies: /(S(...))/
)


def _path_sessions(path: str) -> str:
    for pattern in _PATH_SESSIONS:
        path = pattern.sub("", path)
    return path


@lru_cache(maxsize=64)
def _stripper(policy: Policy) -> re.Pattern[str]:
    """Finds a parameter to strip with the `&` before it; a link that was escaped twice has `amp;` there too."""
    wanted = [rf"{_name(glob)}(?:=[^&]*)?" for glob in policy.strip_params]
    if policy.strip_session_ids:
        wanted += [f"{name}={value}" for name, value in _SESSIONS.items()]
    return re.compile(rf"(?:^|&)(?:amp;)*(?:{_any(wanted)})(?=&|$)", re.IGNORECASE)


def _suspicion(policy: Policy) -> Callable[[str], bool]:
    """Whether a parameter of this name may have to go: asked of every link, and answered from memory nearly always."""
    wanted = [*map(_name, policy.strip_params), *(_SESSIONS if policy.strip_session_ids else ())]
    pattern = re.compile(rf"(?:amp;)*(?:{_any(wanted)})", re.IGNORECASE)
    return lru_cache(maxsize=1024)(lambda name: pattern.fullmatch(name) is not None)


def _any(patterns: list[str]) -> str:
    return "|".join(patterns) or "(?!)"


def _name(glob: str) -> str:
    return "".join({"*": "[^=&]*", "?": "[^=&]"}.get(char) or re.escape(char) for char in glob)


def _sorted(query: str) -> str:
    return "&".join(sorted(query.split("&"), key=lambda parameter: parameter.partition("=")[0]))
