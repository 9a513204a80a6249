"""Finds the URLs that a style sheet names: imports, images, fonts. Standards: CSS Syntax 3, CSS Values 4, CSS Images 4.

One expression walks through the text, past comments and strings, in linear time and without a tree. tinycss2 reads the
few places that have a grammar of their own: escapes, and the arguments of `image-set()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..runtime.late_patterns import compile_late
from . import charset as charsets

_COMMENT = r"/\*(?:[^*]++|\*(?!/))*+(?:\*/)?"
_QUOTED = r"""{0}(?:[^{0}\\\n\r\f]++|\\(?:\r\n|[\s\S]|\Z))*+(?:{0}|(?=[\n\r\f])|\Z)"""
_STRING = "(?:" + _QUOTED.format('"') + "|" + _QUOTED.format("'") + ")"
_INSIDE = rf"(?:[^()\"'/]++|{_COMMENT}|/|{_STRING}|\((?:[^()\"']++|{_STRING})*+\))*+"
_NAME_BEFORE = r"(?<![-\w\\])"
_NAME_AFTER = r"(?![-\w\\])"
_ESCAPED = r"\\(?:[0-9a-fA-F]{1,6}+(?:\r\n|\s)?|[^\n\r\f0-9a-fA-F])"
_PIECE = compile_late(
    rf"""{_COMMENT}
    | {_STRING}
    | @import{_NAME_AFTER}(?:\s++|{_COMMENT})*+(?P<imported>{_STRING})?
    | @(?:namespace|(?:-moz-)?document){_NAME_AFTER}[^;{{}}]*+
    | {_NAME_BEFORE}(?P<function>url|src)\(
    | {_NAME_BEFORE}(?:-webkit-)?image-set\((?P<set>{_INSIDE})
    | {_NAME_BEFORE}(?P<escaped>(?:[-\w]*+{_ESCAPED})++[-\w]*+)\(
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Matches what may name a URL, and what a URL in it would not count in."""
_ARGUMENT = compile_late(
    rf"""\s*+(?:(?P<quoted>{_STRING})|(?P<plain>(?:[^"'()\\\s\0-\x08\x0b\x0e-\x1f\x7f]++|{_ESCAPED})*+)\s*+(?:\)|\Z))""",
    re.VERBOSE,
)
_IN_SET = compile_late(
    rf"{_COMMENT}|{_NAME_BEFORE}type\(\s*+{_STRING}|(?P<string>{_STRING})|{_NAME_BEFORE}(?P<function>url|src)\(",
    re.IGNORECASE,
)
"""Matches what may name a URL among the arguments of `image-set()`, and what a URL in it would not count in."""
_CHARSET = compile_late(rb'@charset "([^"\n]{1,40})";')
_FUNCTIONS = {"url", "src"}
_STRANGE = compile_late(r"[\"\\<\0-\x1f\x7f]")
"""Characters that are escaped in a string: they would end it, or a `<style>` element around it."""


def find_urls(text: str) -> Iterator[str]:
    """Yields the URLs of a style sheet or of a `style` attribute as written, in their order. `data:` is left out."""
    at = 0
    while piece := _PIECE.search(text, at):
        at = piece.end()
        if piece["imported"]:
            yield from _worth(_unquote(piece["imported"]))
        elif piece["set"]:
            for url in _read_set(piece["set"]):
                yield from _worth(url)
        elif (name := _function_of(piece)) and (argument := _ARGUMENT.match(text, at)):
            at = argument.end()
            yield from _worth(_read_argument(name, argument))


def replace_urls(text: str, replace: Callable[[str], str]) -> str:
    """Returns the style sheet with each URL replaced; all else stays as written. `data:` is left as it is."""
    pieces, done, at = list[str](), 0, 0
    while piece := _PIECE.search(text, at):
        at = piece.end()
        if piece["imported"]:
            (begin, end), new = (
                piece.span("imported"),
                _replace(piece["imported"], _unquote(piece["imported"]), replace),
            )
        elif piece["set"]:
            (begin, end), new = piece.span("set"), _replace_in_set(piece["set"], replace)
        elif (name := _function_of(piece)) and (argument := _ARGUMENT.match(text, at)):
            at = argument.end()
            begin, end = argument.span("plain" if argument["quoted"] is None else "quoted")
            new = _replace(text[begin:end], _read_argument(name, argument), replace)
        else:
            continue
        pieces += (text[done:begin], new)
        done = end
    return "".join((*pieces, text[done:]))


def _replace_in_set(text: str, replace: Callable[[str], str]) -> str:
    pieces, done, at = list[str](), 0, 0
    while piece := _IN_SET.search(text, at):
        at = piece.end()
        if piece["string"]:
            begin, end = piece.span("string")
            written = _unquote(piece["string"])
        elif piece["function"] and (argument := _ARGUMENT.match(text, at)):
            at = argument.end()
            begin, end = argument.span("plain" if argument["quoted"] is None else "quoted")
            written = _read_argument(piece["function"].lower(), argument)
        else:
            continue
        pieces += (text[done:begin], _replace(text[begin:end], written, replace))
        done = end
    return "".join((*pieces, text[done:]))


def _replace(spelling: str, url: str, replace: Callable[[str], str]) -> str:
    """Returns the string that stands for the new URL, or the old spelling where the URL stays."""
    for known in _worth(url):
        if (new := replace(known)) != known:
            return f'"{_STRANGE.sub(_escape, new)}"'
    return spelling


def _escape(char: re.Match[str]) -> str:
    return f"\\{ord(char[0]):x} "


def _function_of(piece: re.Match[str]) -> str:
    """Returns the name of the function that begins here, if it takes a URL; else an empty string."""
    name = piece["function"] or (_unescape(piece["escaped"]) if piece["escaped"] else "")
    return name.lower() if name.lower() in _FUNCTIONS else ""


def _read_argument(name: str, argument: re.Match[str]) -> str:
    """Returns the URL that a function is given. Only `url` takes one without quotation marks."""
    if argument["quoted"] is not None:
        return _unquote(argument["quoted"])
    return _unescape(argument["plain"]) if name == "url" else ""


def decode(body: bytes, label: str) -> str:
    """Returns the text of a style sheet. `label` is the charset in the header; without one `@charset` counts."""
    said = _CHARSET.match(body)
    name = charsets.find_encoding(label) or (charsets.find_encoding(said[1].decode("latin-1")) if said else "")
    return charsets.decode(body, charsets.of_text(body, name or "utf-8"))


def _worth(url: str) -> Iterator[str]:
    """Yields the URL unless it leads nowhere else: empty, a fragment of the sheet's own document, or data."""
    url = url.strip()
    if url and not url.startswith("#") and url[:5].lower() != "data:":
        yield url


def _read_set(arguments: str) -> Iterator[str]:
    import tinycss2  # noqa: PLC0415 - hardly any style sheet needs it

    for value in tinycss2.parse_component_value_list(arguments, skip_comments=True):
        if value.type in {"string", "url"}:
            yield value.value
        elif value.type == "function" and value.lower_name in _FUNCTIONS:
            yield from (one.value for one in value.arguments if one.type == "string")


def _unquote(text: str) -> str:
    if "\\" not in text:
        return text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:]
    return _value_of(text, "string")


def _unescape(text: str) -> str:
    """Returns an identifier or the inside of `url()` without escapes."""
    if "\\" not in text:
        return text
    return _value_of(f"url({text})", "url")


def _value_of(text: str, kind: str) -> str:
    import tinycss2  # noqa: PLC0415 - hardly any style sheet needs it

    value = tinycss2.parse_one_component_value(text)
    return str(value.value) if value.type == kind else ""
