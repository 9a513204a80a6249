"""Reads the selectors of `extract.fields`: `css:.price@text as number`, `xpath://h1`, `jsonld:Product.sku`, `re:...`.

A selector is a kind, what is looked for, and up to three words on what is taken of it: `@href`, `[]`, `as url`. All of
it is read before anything is fetched; docs/extraction.md has the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, cast, get_args

import turbohtml

from ..errors import ConfigError
from ..runtime.nearest import did_you_mean, find_nearest
from ..urls.patterns import Finder, PatternError

Kind = Literal["css", "xpath", "jsonld", "re"]
Type = Literal["text", "number", "date", "url"]
KINDS: tuple[str, ...] = get_args(Kind)
TYPES: tuple[str, ...] = get_args(Type)
SETTING = "extract.fields"
_KIND = re.compile(r"([A-Za-z]+):(?!:)")
_AS = re.compile(r"\s+as\s+([A-Za-z]+)\s*\Z")
_TAKE = re.compile(r"@([A-Za-z_][\w:.-]*)?\Z")
_TAKE_OF_XPATH = re.compile(r"(?<=[\w\])*.])@([A-Za-z_][\w:.-]*)\Z")
_STEP = re.compile(r"(@?[\w:/-]+)(?:\[(\d{1,4})\])?")
_PSEUDO = re.compile(r"::?([A-Za-z-]+)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_CALLED = re.compile(r"(?<![\w:-])([A-Za-z][\w-]*)\s*\(")
_SCRAPYS = re.compile(r"::(text|attr\(([\w:-]+)\))\s*\Z")
_REASON = re.compile(r"\Ainvalid CSS selector .*: (.*) at position (\d+)\Z", re.DOTALL)
_PSEUDO_CLASSES = """
    active any-link autofill blank checked closed current default defined dir disabled empty enabled first-child
    first-of-type focus focus-visible focus-within fullscreen future has hover in-range indeterminate invalid is lang
    last-child last-of-type link local-link modal not nth-child nth-last-child nth-last-of-type nth-of-type only-child
    only-of-type open optional out-of-range past paused placeholder-shown playing popover-open read-only read-write
    required root scope target target-within user-invalid user-valid valid visited where
    """.split()  # noqa: SIM905 - a list of as many texts is hard to read
_FUNCTIONS = """
    boolean ceiling concat contains count ends-with false floor id lang last local-name lower-case matches name
    namespace-uri normalize-space not number position replace round starts-with string string-join string-length
    substring substring-after substring-before sum translate true upper-case
    """.split()  # noqa: SIM905
"""Functions of XPath that there are; those with a prefix, such as `re:test`, are told when they are tried."""
_NO_FUNCTIONS = frozenset({"and", "comment", "div", "mod", "node", "or", "processing-instruction", "text"})


class Step(NamedTuple):
    """One step of a path in JSON-LD: a property, or a type whose items are kept, and which value of several."""

    name: str
    at: int | None = None

    @property
    def is_type(self) -> bool:
        """Whether it is the name of a type, which has a capital at its beginning."""
        return self.name[0].isupper()


class Selector(NamedTuple):
    """One field: where its values stand in a page, and what is taken of them."""

    name: str
    kind: Kind
    path: str
    """The part of the selector that says where: an expression of its kind."""
    take: str = ""
    """`text`, `html`, or an attribute; empty: text, or what the type asks for."""
    is_list: bool = False
    """Whether all values are taken, not the first alone."""
    type: Type = "text"
    text: str = ""
    """All of it as it was written."""


class _Wrong(ValueError):
    """Raised for a selector that cannot be read; says why, and what to write."""


@lru_cache(maxsize=64)
def read_selectors(fields: tuple[tuple[str, str], ...]) -> tuple[Selector, ...]:
    """Returns the selectors of these fields, given as pairs of a name and a text. Raises one ConfigError for all."""
    found: list[Selector] = []
    wrong: list[str] = []
    for name, text in fields:
        try:
            found.append(_read(name, text))
        except _Wrong as error:
            wrong.append(f"{name} = {text!r}: {' '.join(str(error).split())}")
    if wrong:
        raise ConfigError("\n".join(f"{SETTING}: {line}" for line in wrong), [SETTING] * len(wrong), wrong)
    return tuple(found)


def check_selectors(fields: Mapping[str, str]) -> None:
    """Raises ConfigError, with a line for each selector of `extract.fields` that cannot be read."""
    read_selectors(tuple(fields.items()))


def _read(name: str, text: str) -> Selector:
    kind, path = _read_kind(text.strip())
    path, said = _cut_type(path, kind)
    is_list = path.endswith("[]") and not path.endswith("\\[]")
    path = path.removesuffix("[]").rstrip() if is_list else path
    path, take = _cut_take(path, kind)
    if not path:
        raise _Wrong(f"nothing stands behind {kind}:")
    _CHECKS[kind](path)
    return Selector(name, kind, path, take, is_list, said, text)


def _read_kind(text: str) -> tuple[Kind, str]:
    found = _KIND.match(text)
    if found and found[1] in KINDS:
        return cast("Kind", found[1]), text[found.end() :].strip()
    if text.startswith(("/", "(/", "./")):
        raise _Wrong(f"it looks like XPath: write xpath:{text}")
    near = find_nearest(found[1].lower(), KINDS) if found else None
    if found and near:
        raise _Wrong(f"there is no kind {found[1]}; did you mean {near}:?")
    raise _Wrong(f"begin it with css:, xpath:, jsonld: or re:, as in css:{text}")


def _cut_type(path: str, kind: Kind) -> tuple[str, Type]:
    """Returns the path without its `as TYPE`, and the type. In an expression, other words than types are its own."""
    found = _AS.search(path)
    if not found or (kind == "re" and found[1] not in TYPES):
        return path, "text"
    if found[1] not in TYPES:
        others = f"; the types are {', '.join(TYPES)}"
        raise _Wrong(f"there is no type {found[1]}{did_you_mean(found[1], TYPES, others)}")
    return path[: found.start()], cast("Type", found[1])


def _cut_take(path: str, kind: Kind) -> tuple[str, str]:
    """Returns the path without what is taken of its elements, and that: `@text`, `@html`, an attribute."""
    found = _TAKE.search(path) if kind == "css" else _TAKE_OF_XPATH.search(path) if kind == "xpath" else None
    if not found:
        return path, ""
    if not found[1]:
        raise _Wrong("behind @ stands text, html, or the name of an attribute, as in @href")
    return path[: found.start()].rstrip(), found[1].lower()


# -- kinds -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _sample() -> turbohtml.Document:
    """Returns a page on which selectors are tried: some faults are told only then."""
    return turbohtml.parse(b"<title>t</title><body lang=en><p class=a id=b>x <a href=y title=z>w</a></p><ul><li>v</ul>")


def _check_css(path: str) -> None:
    try:
        _sample().select(path)
    except ValueError as error:
        raise _Wrong(_explain_css(path, str(error))) from None


def _explain_css(path: str, said: str) -> str:
    if scrapys := _SCRAPYS.search(path):
        take = f"@{scrapys[2] or 'text'}"
        return f"for {scrapys[0].strip()} write {take}: css:{path[: scrapys.start()]}{take}"
    if path.startswith(("/", "(/")):
        return f"it looks like XPath: write xpath:{path}"
    for name in _PSEUDO.findall(_QUOTED.sub("", path)):
        if name == "contains":
            return "CSS has no :contains: write xpath://*[contains(., 'words')]"
        if name.lower() not in _PSEUDO_CLASSES:
            return f"there is no pseudo-class :{name}{did_you_mean(f':{name}', [f':{one}' for one in _PSEUDO_CLASSES])}"
    found = _REASON.match(said)
    return _place(path, found[1], int(found[2])) if found else said


def _place(path: str, reason: str, at: int) -> str:
    """Returns a reason with the place in the selector where it holds."""
    where = f"before {path[at : at + 20]!r}" if at < len(path) else "at its end"
    return f"{reason}, at character {at + 1}, {where}"


def _check_xpath(path: str) -> None:
    for name in _CALLED.findall(_QUOTED.sub("''", path)):
        if name not in _FUNCTIONS and name not in _NO_FUNCTIONS:
            raise _Wrong(f"XPath has no function {name}(){did_you_mean(name, _FUNCTIONS)}")
    try:
        turbohtml.XPath(path)(_sample())
    except (ValueError, TypeError) as error:
        said = str(error).removeprefix("xpath: ")
        found = re.search(r"\A(.*) at offset (\d+)", said)
        raise _Wrong(_place(path, found[1], int(found[2])) if found else said) from None


def read_steps(path: str) -> tuple[Step, ...]:
    """Returns the steps of a path in JSON-LD. Raises ValueError for what is none."""
    steps = []
    for part in path.split("."):
        found = _STEP.fullmatch(part.strip())
        if not found:
            raise _Wrong(
                f"{part!r} is no step of a path: write jsonld:Product.offers.price, or offers[0] for the first"
            )
        steps.append(Step(found[1], int(found[2]) if found[2] else None))
    return tuple(steps)


def _check_expression(path: str) -> None:
    try:
        Finder(path)
    except PatternError as error:
        raise _Wrong(str(error)) from None


_CHECKS: Mapping[Kind, Callable[[str], object]] = {
    "css": _check_css, "xpath": _check_xpath, "jsonld": read_steps, "re": _check_expression,
}  # fmt: skip
