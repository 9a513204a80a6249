"""Says which end of a host name is a public suffix: an end below which different owners register their names.

Standard: the public suffix list, with its private section (https://publicsuffix.org/list/). The package
publicsuffixlist brings the list and is released with each change of it; it takes 50 ms to read it, we take
15. Most of its time goes to the names of other scripts, which it encodes; we decode those that we are asked for.
"""

from __future__ import annotations

from functools import cache
from itertools import takewhile
from typing import NamedTuple

_END_OF_REGISTRIES = "// ===END ICANN"


class _List(NamedTuple):
    rules: frozenset[str]
    labels: int
    """The most labels of a rule."""


def load() -> None:
    """Loads the list, so that the first question need not. Blocks."""
    _load()


def private_suffix(name: str, *, accept_unknown: bool = True) -> str | None:
    """Returns the public suffix of a name with one label more; None: it is a suffix itself, or is no name.

    Where the list has no rule, the last label is the suffix; unless `accept_unknown`, the answer is None then.
    """
    labels = name.lower().split(".")
    if "" in labels:
        return None
    count = _count_public(labels, _load()) or int(accept_unknown)
    return ".".join(labels[-count - 1 :]) if 0 < count < len(labels) else None


def split_suffix(name: str, *, only_registries: bool) -> tuple[str | None, str | None]:
    """Returns the public suffix of a name, and the suffix with one label more; None for what there is not.

    `only_registries`: without the private section of the list, so that `io` is the suffix of user.github.io.
    """
    labels = name.lower().split(".")
    if "" in labels:
        return None, None
    count = _count_public(labels, _load(only_registries=only_registries)) or 1
    return ".".join(labels[-count:]), ".".join(labels[-count - 1 :]) if count < len(labels) else None


def _count_public(labels: list[str], known: _List) -> int:
    """Returns how many of the last labels are the suffix; 0 if no rule says so. The longest rule wins."""
    rules, most = known
    labels = list(map(_decode, labels))
    for start in range(max(0, len(labels) - most - 1), len(labels)):
        end, count = ".".join(labels[start:]), len(labels) - start
        if f"!{end}" in rules:  # an exception from a rule with `*`
            return count - 1
        if f"*.{end}" in rules:
            return count + (start > 0)
        if end in rules:
            return count
    return 0


@cache
def _load(*, only_registries: bool = False) -> _List:
    from publicsuffixlist import PSLFILE  # noqa: PLC0415 - many crawls ask for no suffix

    with open(PSLFILE, encoding="utf-8") as file:
        lines = takewhile(lambda line: not line.startswith(_END_OF_REGISTRIES), file) if only_registries else file
        rules = {line.partition(" ")[0].rstrip() for line in lines if not line.startswith("//")} - {""}
    return _List(frozenset(rules), max(rule.count(".") for rule in rules) + 1)


def _decode(label: str) -> str:
    """Returns a label in its own script, as the list has it."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label
