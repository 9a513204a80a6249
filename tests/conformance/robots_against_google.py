"""Asks Google's robots.txt parser, ported to Python, and us the same questions, and counts where we agree.

    python tests/conformance/robots_against_google.py [FOLDER] [--generated 3000] [--seed 1]

Run by hand, where `gpyrobotstxt` and `protego` are installed; neither is needed for anything else. FOLDER holds real
robots.txt files under any names (Protego's source distribution has some thousand, in tests/test_data). Each file is
asked about paths made of its own patterns and about some that have nothing to do with them, for each of several agents.
The port is mended first where it differs from the original, see `Original`. Prints both scores and what differs.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gpyrobotstxt.parsedrobotskey import ParsedRobotsKey  # type: ignore[import-not-found,unused-ignore]
from gpyrobotstxt.robots_cc import RobotsMatcher  # type: ignore[import-not-found,unused-ignore]
from gpyrobotstxt.robotstxtparser import RobotsTxtParser  # type: ignore[import-not-found,unused-ignore]
from protego import Protego  # type: ignore[import-not-found,unused-ignore]

from crawler import urls
from crawler.errors import UrlError
from crawler.model import Url
from crawler.robots import MAX_BYTES, RobotsRules, parse

SITE = "http://a.test"
QUESTIONS = 24
"""Paths a file is asked about, at most."""
AGENTS = ("storybot", "googlebot", "ahrefsbot", "bingbot")
SPACE = " \t\n\v\f\r"


class Original(RobotsTxtParser):  # type: ignore[misc,unused-ignore]
    """The port with what it reads otherwise than robots.cc: bytes, spaces, NUL, and a misspelling of its own."""

    def parse_and_emit_line(self, current_line: int, line: bytes) -> None:
        text = line.decode("latin-1").partition("\0")[0].partition("#")[0].strip(SPACE)
        name, colon, value = text.partition(":")
        if not colon:
            words = re.split("[ \t]+", text)
            name, value = words if len(words) == 2 else ("", "")
        name, value = name.strip(SPACE), value.strip(SPACE)
        if not name or name.lower().startswith("diaslow"):
            return
        key = ParsedRobotsKey()
        key.parse(name)
        if self.need_escape_value_for_key(key):
            value = re.sub("[\x80-\xff]", lambda byte: f"%{ord(byte[0]):02X}", value)
            value = re.sub("%[0-9a-fA-F]{2}", lambda escape: escape[0].upper(), value)
        else:
            value = re.sub("[\x80-\xff]", "?", value)  # to Python some of these are letters and spaces
        self.emit_key_value_to_handler(current_line, key, value, self._handler)


class Body(bytes):
    """The port decodes each line as UTF-8; the original knows bytes alone."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return Raw(part) if isinstance(part, bytes) else part


class Raw(bytes):
    def decode(self, *_: object) -> Any:
        return bytes(self)


class Said:
    """The port's parser tells a handler what it reads: this one keeps it, so that each file is read once."""

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *told: self.events.append((name, told))


class Google:
    """One file and one agent, as the port has it."""

    def __init__(self, events: list[tuple[str, tuple[Any, ...]]], agent: str) -> None:
        self._events, self._agent = events, agent

    def allows(self, path: str) -> bool:
        matcher = RobotsMatcher()
        matcher.init_user_agents_and_path([self._agent], path)
        for name, told in self._events:
            getattr(matcher, name)(*told)
        return not matcher.disallow()


def main() -> int:
    options = _options()
    chance = random.Random(options.seed)
    score: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for name, body in [*_real(options.folder), *_generated(chance, options.generated)]:
        kind = "generated" if name.startswith("#") else "real"
        paths, said, protego = _paths(body, chance), Said(), _protego(body)
        Original(Body(body), said).parse()
        for agent in AGENTS:
            google, rules = Google(said.events, agent), parse(body, agent)
            score[f"{kind} files"] += agent == AGENTS[0]
            for path in paths:
                theirs, our_answer = google.allows(path), rules.allows(Url(SITE + path))
                score[f"{kind} questions"] += 1
                score[f"{kind} agreed"] += theirs == our_answer
                score[f"{kind} agreed, protego"] += theirs == (protego is not None and protego(path, agent))
                if theirs != our_answer:
                    reason = _reason(body, path, rules)
                    reasons[f"{kind}: {reason}"] += 1
                    if reasons[f"{kind}: {reason}"] <= options.show:
                        print(f"{name} {agent} {path!r}: google {theirs}; we {rules.verdict(Url(SITE + path))}")
    for what, count in sorted(score.items()):
        share = count / score[f"{what.split()[0]} questions"] if "agreed" in what else 0
        print(f"{what}: {count:,}{f' ({share:.3%})' if share else ''}")
    for what, count in reasons.most_common():
        print(f"differs, {what}: {count}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--generated", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="differences printed of each kind")
    return parser.parse_args()


def _protego(body: bytes) -> Any:
    """Protego's answer, or None where it cannot read the file."""
    try:
        read = Protego.parse(body.decode("utf-8", "replace"))
    except Exception:  # noqa: BLE001 - whatever it raises, it has no answer
        return None
    return lambda path, agent: read.can_fetch(SITE + path, agent)


def _reason(body: bytes, path: str, rules: RobotsRules) -> str:
    """Which known deviation explains a difference."""
    if (
        re.search(rb"(?im)^\s*crawl-delay", body)
        and parse(re.sub(rb"(?i)crawl-delay", b"x", body), "storybot") != rules
    ):
        return "Crawl-delay ends a list of names"
    if "%" in path or b"%" in body:
        return "percent-encoded letters are decoded to forbid"
    return "unexplained"


# -- what is asked --


def _paths(body: bytes, chance: random.Random) -> list[str]:
    """Paths that the file's patterns match, nearly match, or do not know; canonical, as a crawl would ask."""
    patterns = re.findall(rb"(?im)^\s*(?:dis)?allow\s*:\s*([^\s#]+)", body[:MAX_BYTES])
    chosen = chance.sample(patterns, min(len(patterns), QUESTIONS // 2))
    made = ["/", "/index.html", "/about/team?x=1"]
    for pattern in chosen:
        text = pattern.decode("utf-8", "replace")
        plain = text.removesuffix("$").replace("*", chance.choice(["", "x", "/a/b", "?q=1"]))
        made += [plain, chance.choice([plain + "x", plain + "/y?z=1", plain[:-1], plain.swapcase(), "/z" + plain])]
    found = []
    for path in made:
        try:
            found.append(urls.parse(SITE + (path if path.startswith("/") else "/" + path)).path)
        except UrlError:
            continue
    return [path for path in dict.fromkeys(found) if path != "/robots.txt"][:QUESTIONS]


def _real(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")) if folder else ():
        if path.is_file():
            yield path.name, path.read_bytes()[:MAX_BYTES]


def _generated(chance: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        end = chance.choice([b"\n", b"\n", b"\r\n", b"\r"])
        start = chance.choice([b"", b"", b"", b"\xef\xbb\xbf", b"\xef\xbb", b"\xff\xfe"])
        yield f"#{number}", start + end.join(_line(chance) for _ in range(chance.randint(1, 25)))


def _line(chance: random.Random) -> bytes:
    name = chance.choice(NAMES)
    value = chance.choice(AGENT_VALUES) if name.lower().replace(b" ", b"-").startswith(b"user") else _pattern(chance)
    colon = chance.choice([b": ", b": ", b":", b" : ", b" ", b"\t", b"  "])
    return chance.choice([b"", b"", b" ", b"\t"]) + name + colon + value + chance.choice([b"", b"", b" ", b" # why"])


def _pattern(chance: random.Random) -> bytes:
    return b"".join(chance.choice(PIECES) for _ in range(chance.randint(0, 5)))


NAMES = (
    *(b"User-agent", b"user-agent", b"Disallow", b"Disallow", b"Disallow", b"Allow", b"Allow", b"USER-AGENT"),
    *(b"disalow", b"dissallow", b"useragent", b"user agent", b"Sitemap", b"Noindex", b"Host", b"", b"#", b"allowed"),
    *(b"Clean-param", b"dis-allow", b"Request-rate"),
)
AGENT_VALUES = (
    *(b"*", b"*", b"storybot", b"StoryBot/2.0", b"storybot images", b"GoogleBot", b"Googlebot-News", b"AhrefsBot"),
    *(b"bingbot", b"*bot", b"* all", b"", b"story", b"bingbot/2.0 (compatible)", b"\xe3\x83\x84"),
)
PIECES = (
    *(
        b"/",
        b"/",
        b"/",
        b"a",
        b"ab",
        b"*",
        b"*",
        b"$",
        b"?",
        b"?q=",
        b"=",
        b".html",
        b".php",
        b"index.html",
        b"index.htm",
    ),
    *(b"%2F", b"%2f", b"%41", b"%7e", b"~", b"\xc3\xa9", b"\xe9", b"%C3%A9", b"A", b"x/y", b";s=1", b"\0", b"  ", b":"),
)


if __name__ == "__main__":
    raise SystemExit(main())
