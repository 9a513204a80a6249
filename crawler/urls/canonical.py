"""Folds the spellings of a URL that a crawl takes for one: the canonical policy, on top of the standard.

Folding removes parameters that an owner, an advertiser or a newsletter wrote into a link to follow its reader, and ids
by which a server knows a visitor again. Everything else may mean something: it stays, in its order, byte for byte. Host
names, trailing slashes and the scheme are never touched, for they lead to other pages often enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

from ..dataclass import dataclass
from ..runtime.late_patterns import compile_late
from .patterns import Pattern

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
"""Parameters that only say how a reader came. Each name has one meaning alone: no `ref`, `source`, `cid` or `spm`,
which choose a page somewhere."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The parts of URLs to fold.

    Small and picklable, for it travels to the workers. Folding twice equals folding once.
    """

    strip_params: tuple[str, ...]
    """Names of query parameters, in any case; `*` stands for anything, `?` for one character."""
    strip_session_ids: bool
    """Whether session ids go: by name where the name has no other meaning, else by a value that only a machine would
    choose."""
    sort_params: bool
    """Whether to order parameters by name; those of one name keep their order. Off, since order means something to some
    servers."""


Fold: TypeAlias = Callable[[str], str]
"""Takes a URL as the standard serialises it, without fragment and credentials; returns the folded URL."""


@lru_cache(maxsize=64)
def make_folder(policy: Policy) -> Fold:
    """Returns the folding function of a policy; it is cheap where there is nothing to fold."""
    goes, is_suspect = _drop_test(policy), _name_test(policy)

    def fold(href: str) -> str:
        start = href.index("/", 8)  # a host may hold a semicolon
        path, _, query = href[start:].partition("?")
        if policy.strip_session_ids and (";" in path or "/(" in path):
            path = _strip_path_sessions(path)
        if policy.sort_params:
            query = _sort_query(query)
        parameters = query.split("&")
        for parameter in parameters:
            if is_suspect(parameter.partition("=")[0]):
                query = "&".join([parameter for parameter in parameters if not goes(parameter)])
                break
        return f"{href[:start]}{path}?{query}" if query else f"{href[:start]}{path}"

    return fold


def describe_folding(href: str, policy: Policy) -> list[str]:
    """Returns what `make_folder` does to a URL, in words."""
    path, mark, query = href[href.index("/", 8) :].partition("?")
    said = []
    if policy.strip_session_ids:
        said = [f"session id {match[0]}" for pattern in _PATH_SESSIONS for match in pattern.finditer(path)]
    if policy.sort_params and _sort_query(query) != query:
        query = _sort_query(query)
        said.append("order of the parameters")
    said += [f"parameter {parameter}" for parameter in filter(_drop_test(policy), query.split("&"))]
    return [*said, "empty query"] if mark and not query else said


_ID = r"(?:[0-9a-f]{32}|[0-9a-f]{40}|(?=[a-v]*[0-9])[0-9a-v]{26})"
"""Session ids as PHP and similar systems write them: MD5, SHA-1, or five bits a letter."""
_SESSIONS = {
    r"jsessionid": r"[^&]*",
    r"aspsessionid[a-z]{8}": r"[a-z]{24}",
    r"(?:phpsessid|oscsid|zenid)": r"[0-9a-z,-]{16,}",
    r"(?:sid|sessid|session_?id|session-id)": _ID,  # a short id may name a talk or a shop's item
}
"""Name of a parameter -> what its value must look like; both are expressions."""
_PATH_SESSIONS = (
    compile_late(r";jsessionid=[^/;]*", re.IGNORECASE),  # Servlet containers
    compile_late(r"/\((?:[asfx]\([0-9a-z_-]{20,}\))+\)(?=/)", re.IGNORECASE),  # ASP.NET without cookies: /(S(...))/
)


def _strip_path_sessions(path: str) -> str:
    for pattern in _PATH_SESSIONS:
        path = pattern.sub("", path)
    return path


@lru_cache(maxsize=64)
def _drop_test(policy: Policy) -> Callable[[str], bool]:
    """Returns a test of `name=value`: whether the parameter is dropped."""
    is_named, is_session = _listed_test(policy.strip_params), _session_test(policy, with_value=True)
    return lambda parameter: is_named(parameter.partition("=")[0]) or is_session(parameter)


def _name_test(policy: Policy) -> Callable[[str], bool]:
    """Returns a test of a name: whether such a parameter may have to go. Runs for every link, mostly from its cache."""
    is_named, is_session = _listed_test(policy.strip_params), _session_test(policy, with_value=False)
    return lru_cache(maxsize=1024)(lambda name: is_named(name) or is_session(name))


def _session_test(policy: Policy, *, with_value: bool) -> Callable[[str], bool]:
    """Returns a test for session ids, by name or by `name=value`.

    `amp;` may stand first: links that were escaped twice.
    """
    if not policy.strip_session_ids:
        return lambda parameter: False
    wanted = (f"{name}={value}" if with_value else name for name, value in _SESSIONS.items())
    pattern = compile_late(rf"(?:amp;)*+(?:{'|'.join(wanted)})", re.IGNORECASE)
    return lambda parameter: pattern.fullmatch(parameter) is not None


@lru_cache(maxsize=64)
def _listed_test(globs: tuple[str, ...]) -> Callable[[str], bool]:
    """Returns a test of a name: whether it matches a name that the user listed."""
    patterns = [Pattern(f"(?i)(?:amp;)*(?:{'|'.join(map(_translate_glob, some))})") for some in _split_names(globs)]
    return lru_cache(maxsize=1024)(lambda name: any(pattern.fullmatch(name) for pattern in patterns))


def _split_names(globs: tuple[str, ...]) -> Iterator[list[str]]:
    """Yields the names in lists that are small enough for one pattern each."""
    some: list[str] = []
    for glob in globs:
        if sum(map(len, some)) + len(glob) > _AT_ONCE and some:
            yield some
            some = []
        if len(glob) <= _AT_ONCE:  # a longer name fits in no URL
            some.append(glob)
    if some:
        yield some


_AT_ONCE = 3000
"""Most characters of names in one pattern."""


def _translate_glob(glob: str) -> str:
    plain = re.sub(r"\*+", "*", glob)
    return "".join({"*": "[^=&]*", "?": "[^=&]"}.get(char) or re.escape(char) for char in plain)


def _sort_query(query: str) -> str:
    return "&".join(sorted(query.split("&"), key=lambda parameter: parameter.partition("=")[0]))
