"""Escapes text from outside for a terminal, a log and a line of JSON: the one place that escapes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from html.entities import html5

import orjson

from .late_patterns import compile_late

_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U00016fe4\U0001d159"
"""Characters that are letters, marks or notes by name and that nobody sees."""
_PICTURES = "©®‼⁉™ℹ↔-↪⌚-⏺Ⓜ▪-◾☀-➿⤴⤵⬅-⭕〰〽㊗㊙\U0001f000-\U0001faff"
"""Signs that are a picture in colour or a letter, by the one selector (FE0E, FE0F) behind them."""
_HARMFUL = compile_late(
    # A row of selectors can carry a hidden text; FE0F stays in 1, 2, 3 drawn as keys, too.
    f"[\ufe00-\ufe0d]|(?<![{_PICTURES}])[\ufe0e\ufe0f](?!(?<=[0-9#*]\ufe0f)\u20e3)"
    f"|[{_UNSEEN}"
    "\x00-\x1f\x7f-\x9f"  # controls, C1 among them: U+009B alone begins an escape sequence
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff"  # line ends, text direction, no width
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\uf8ff\U000f0000-\U0010ffff"  # halves of characters, and private ones
    "]"
)

_SUSPECT = _UNSEEN + "".join(map(chr, range(0xFE00, 0xFE10)))
"""Harmful characters that `str.isprintable` lets through, but for the 240 selectors that begin with F3 A0 in UTF-8."""
_SUSPECT_LETTERS = frozenset(_SUSPECT)
_SHORT = 100
"""Characters. In shorter texts each is looked up; in longer ones it is cheaper to search for each suspect."""
MOST_ESCAPED_ALONE = 256
"""Most characters of a line of JSON that are escaped one by one, a microsecond each. Beyond, everything that is not
ASCII is escaped."""
_ASCII = bytes(range(0x80))
_NUMBER = compile_late("&#(?:[xX]([0-9A-Fa-f]+)|([0-9]+));?")
_LONG_NUMBER = 20
"""Digits that are too many for `html.unescape`: it raises an error at 5,000, and takes quadratic time below."""
_NAMED = compile_late("&([A-Za-z][A-Za-z0-9]*+)([;=]?)")


def escape_text(text: str) -> str:
    r"""Returns the text on one line, with escapes like `\x1b` for characters that act on a terminal or cannot be
    seen."""
    if _is_harmless(text):
        return text
    return _HARMFUL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def unescape_html(text: str) -> str:
    """Returns the text with its HTML entities as characters. Never raises."""
    return unescape(_NUMBER.sub(_keep_control, text)) if "&" in text else text


def _keep_control(reference: re.Match[str]) -> str:
    """Returns the reference, or the character where `html.unescape` drops one that browsers keep, such as `&#1;`."""
    hexadecimal, decimal = reference.groups()
    if len(hexadecimal or decimal) >= _LONG_NUMBER:
        return "\ufffd"
    return reference[0] if unescape(reference[0]) else chr(int(decimal or hexadecimal, 10 if decimal else 16))


def unescape_attribute(text: str) -> str:
    """Returns the value of an HTML attribute with its entities as characters. Never raises.

    A name without a semicolon counts only where neither `=` nor a letter or digit comes next, so that `?a=1&copy=2`
    stays (WHATWG HTML, named character reference state).
    """
    return unescape_html(_NAMED.sub(_keep_half_named, text)) if "&" in text else text


def _keep_half_named(reference: re.Match[str]) -> str:
    name, end = reference.groups()
    is_known = name + ";" in html5 if end == ";" else not end and name in html5
    return reference[0] if is_known else f"&amp;{name}{end}"


def json_line(values: Mapping[str, object]) -> bytes:
    r"""Returns the object as a line of JSON that may be shown: equal, with `\uXXXX` where `escape_text` escapes.

    Half a character (a lone surrogate) has no place in UTF-8 and becomes U+FFFD.
    """
    try:
        line = orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        line = orjson.dumps(_replace_surrogates(values), option=orjson.OPT_APPEND_NEWLINE)
    if line.isascii() and b"\x7f" not in line:  # nearly all lines
        return line
    if b"\x7f" not in line and _is_harmless(line.translate(None, _ASCII).decode()):
        return line
    text, number = _HARMFUL.subn(_json_escape, line[:-1].decode(), MOST_ESCAPED_ALONE)
    return text.encode() + b"\n" if number < MOST_ESCAPED_ALONE else _in_ascii(line)


def _is_harmless(text: str) -> bool:
    """Returns whether the text is surely harmless, ten times faster than the pattern; False for some harmless text."""
    is_seen = text.replace("\xa0", " ").replace("\u3000", " ").isprintable()
    if not is_seen or text.isascii():
        return is_seen
    if len(text) < _SHORT:
        return _SUSPECT_LETTERS.isdisjoint(text) and b"\xf3\xa0" not in text.encode()
    return not any(letter in text for letter in _SUSPECT) and b"\xf3\xa0" not in text.encode()


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _in_ascii(line: bytes) -> bytes:
    """Returns the same value in ASCII, in a time that does not depend on the number of harmful characters."""
    text = json.dumps(orjson.loads(line), separators=(",", ":"))
    return text.replace("\x7f", "\\u007f").encode() + b"\n"


def _replace_surrogates(value: object) -> object:
    """Returns the value with each half character replaced."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_replace_surrogates(name): _replace_surrogates(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_replace_surrogates(inner) for inner in value]
    return value
