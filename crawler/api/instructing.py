"""Changes a crawl on several machines while its nodes work: its settings, the sites that are held, the word for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .. import urls
from ..assembly import parts
from ..errors import ConfigError
from ..policy.wider import NOTHING, bounds, find_widened
from ..proof import SettingChange
from ..settings import Config
from ..settings.loading import Change, amend, changes, value_of
from ..standing import CrawlStanding, Instructions

if TYPE_CHECKING:
    from ..backends.engines import CrawlRow, EngineServer

AGREED = ("preset", "user_agent", "contact", "sites", "scope", "urls", "politeness", "extract", "warc", "sinks")
"""The settings on which all nodes of a crawl agree. All others are about the machine."""


class Decision(NamedTuple):
    """Instructions, and what they change. Without changes nothing is kept."""

    wanted: Instructions
    changes: Sequence[SettingChange]


Decide = Callable[[Instructions], Decision]
"""Decides on new instructions, by those of now. Asked again where somebody else was faster."""


async def instruct(
    server: EngineServer, crawl: CrawlRow, decide: Decide, who: str, control: str = ""
) -> Sequence[SettingChange]:
    """Has the nodes of a crawl instructed with what is decided; returns what that changes."""
    while True:
        now = await server.instructions(crawl)
        wanted, changed = decide(now)
        if not changed or await server.instruct(
            crawl, wanted._replace(version=now.version + 1, who=who), changed, control
        ):
            return changed


def decide_control(crawl: CrawlStanding, word: str) -> Decide:
    """Returns what keeps the word for all nodes in the history."""
    changed = [SettingChange("control", crawl.control, word, True)] if crawl.control != word else []
    return lambda now: Decision(now, changed)


def decide_hold(text: str, *, is_held: bool) -> Decide:
    """Returns what holds a site, given by any of its URLs, or lets it go. Raises UrlError."""
    site = urls.parse(text).site

    def decide(now: Instructions) -> Decision:
        held = set(now.held) | {site} if is_held else set(now.held) - {site}
        changed = [SettingChange("held", list(now.held), sorted(held), True)] if held != set(now.held) else []
        return Decision(now._replace(held=tuple(sorted(held))), changed)

    return decide


def decide_settings(crawl: CrawlStanding, settings: Mapping[str, object]) -> Decide:
    """Returns what changes settings of a crawl."""

    def decide(now: Instructions) -> Decision:
        before = amend(Config(), {**crawl.settings, **now.settings})
        after = amend(before, settings)
        told = check_changes(before, after)
        changed = {one.key: plain_value(value_of(after, one.key)) for one in told}
        said = [SettingChange(one.key, plain_value(one.old), plain_value(one.new), True) for one in told]
        return Decision(now._replace(settings={**now.settings, **changed}), said)

    return decide


def check_changes(before: Config, after: Config) -> Sequence[Change]:
    """Returns what differs. Raises ConfigError where nodes cannot change it while they work."""
    applied, needs_restart = changes(before, after)
    for one in applied:
        if one.key.partition(".")[0] not in AGREED:
            raise ConfigError(f"{one.key}: is about the machine: each node gets its own", [one.key])
    for one in needs_restart:
        raise ConfigError(f"{one.key}: cannot change in a crawl on several machines: begin another one", [one.key])
    parts.scope(after)
    if find_widened(bounds(before), bounds(after)) != NOTHING:
        names = ", ".join(one.key for one in applied)
        raise ConfigError(
            f"{names}: lets in URLs that the nodes have left out already: begin another crawl for them; narrower"
            " settings, rests and limits may change"
        )
    return applied


def plain_value(value: object) -> object:
    """Returns the value of a setting as JSON has it."""
    if isinstance(value, Mapping):
        return {name: plain_value(one) for name, one in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [plain_value(one) for one in value]
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True) if dump else value
