"""What addresses say: URLs, hosts, patterns of URLs, circles of redirects, and what sites answered lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from crawler import robots, urls
from crawler.errors import UrlError
from crawler.model import Disposition, Lease, Links, Outcome, Page, Request, Response, Url
from crawler.policy import redirects, scope
from crawler.policy.admitted import Admitted
from crawler.policy.answers import Answer, Answers, compared, naming
from crawler.policy.traps.novelty import Novelty
from crawler.policy.traps.pattern import Memory, Pattern
from crawler.policy.traps.recent import Ring, Sieve
from crawler.policy.traps.series import Series
from crawler.policy.traps.shapes import Shapes
from crawler.proving.robots_reader import read_robots
from crawler.robots import preferences, reading, rules, tdmrep
from crawler.urls import canonical
from crawler.urls.url import suffix_and_domain
from tests.defaults import POLICY, make_policy, make_politeness, make_scope
from tests.linear.measure import Row, Shape, made, raw, runs

BASE = "http://h.example/a/b/c?d=e"
LONGEST = urls.MAX_LENGTH
FIELD = 1 << 16
"""Characters of the longest header field that is read."""


def tried(read: Callable[[Any], object]) -> Callable[[Any], object]:
    """The same, where it may say that this is no URL."""

    def attempt(given: Any) -> object:
        try:
            return read(given)
        except UrlError as error:
            return error

    return attempt


UNITS = (
    "a", "/", "//", "../", "./", "..", "/..", "%2e%2e/", "%", "%4", "%41", "%25", "%00", "\\", "?", "&", "&a", "&a=b",
    "a=1&", "&amp;", "&utm_source=x", "&sid=", "&jsessionid=x", "&a=b&a=c", ";", ";jsessionid=x", ";=", ",", "#", "@",
    ":",
    "[", "]", " ", "\t", "\n", "\0", "ü", "%C3%BC", "e\u0301", "\u0301\u0316", "\u202e", "\u3002", "\U0001f600", "ß",
    "1", "1/", "a/",
    "a/b/", "(S(0123456789abcdefghij))/", "/(S(0123456789abcdefghij))", "^", "|", '"', "'", "`", "<", "{", "~", "+",
    "*",
)  # fmt: skip
HOST = (
    "a", "a.", ".", "-", "--", "xn--", "xn--a.", "1", "1.", "0x", "0", "%", "%41", "ü", "ü.", "%C3%BC", "\u0301\u0316",
    "\u0301", "\u3002", "\uff0e", "\u200d", "\xad", "ß", "ς", "ñ\u0301", "\U0001f600", "\u4e00", ":", "[", "@", "a@",
    ":a@", "1:",
)  # fmt: skip
TEXTS = {
    **runs(*UNITS),
    **runs(*UNITS, head="/"),
    **runs(*UNITS, head="http://h.example/"),
    **runs(*UNITS, head="http://h.example/?"),
    **runs(*UNITS, head="http://h.example/#"),
    **runs(*HOST, head="http://", tail="/"),
    **runs(*HOST, head="//", tail=".example"),
    **runs("a", "@", ":", "%40", head="http://", tail="@h.example/"),
    **runs("1", "0", head="http://h.example:", tail="/"),
    **runs("0:", ":", "f", "0", head="http://[", tail="]/"),
    **runs("x", "a+", head="", tail=":x"),
    "many letters of many scripts": lambda n: "http://" + "".join([chr(0x4E00 + i % 20000) for i in range(n)]) + "/",
    "marks in the wrong order": lambda n: "http://a" + "\u0345\u0334" * (n // 2) + "/",
    "a different parameter each time": lambda n: "http://h.example/?" + "&".join([f"a{i}={i}" for i in range(n // 12)]),
    "a different folder each time": lambda n: "http://h.example/" + "/".join([f"a{i}" for i in range(n // 7)]),
}  # fmt: skip


def _canonical(shapes: dict[str, Shape]) -> dict[str, Shape]:
    """Canonical URLs of these shapes, as long as they may be."""

    def url(text: str) -> Url:
        try:
            return urls.parse(text)
        except UrlError:
            return Url("http://h.example/")

    return made(shapes, url)


CANONICAL = _canonical(
    {
        **runs(*UNITS, head="http://h.example/"),
        **runs(*UNITS, head="http://h.example/?"),
        **runs("a.", "1.", "-", "a", head="http://", tail="/"),
    }
)
CANONICAL_TEXTS = made(CANONICAL, lambda url: url.text)
HOSTS = made(CANONICAL, urls.host)
LINE: dict[str, Shape] = {
    "the same, ever deeper": lambda n: [f"http://h.example/{'a/' * (i % 900)}" for i in range(n)],
    "calendars": lambda n: [f"http://h.example/{2000 + i // 12}/{i % 12}?view={i % 5}" for i in range(n)],
    "hosts": lambda n: [f"http://h{i}.example/" for i in range(n)],
    "hosts of one domain": lambda n: [f"http://h{i}.h.example/" for i in range(n)],
    "words": lambda n: [f"http://h.example/{i:x}/{'abcdefgh'[i % 8]}{i:b}" for i in range(n)],
    "parameters": lambda n: [f"http://h.example/?a{i}=1&b{i % 7}=2" for i in range(n)],
    "items": lambda n: [f"http://h.example/item/{i}" for i in range(n)],
    "items backwards": lambda n: [f"http://h.example/item/{n - i}" for i in range(n)],
    "ids": lambda n: [f"http://h.example/{i * 7919:016x}" for i in range(n)],
    "one and the same": lambda n: ["http://h.example/"] * n,
}
"""Many URLs, one after another."""


def _grown(url: Url) -> object:
    """A link on a page of such an address, and a little deeper."""
    sieve = make_scope("any").sieve(url, 1, url)
    return [sieve(url.text), sieve(url.text[:-40] + "b/" + url.text[-40:] + "/x"), sieve(f"{url.text[:2000]}/a/a/x")]


PERIODS: dict[str, Shape] = {
    "a path of one word": lambda n: Url("http://h.example/" + "a/" * (n // 2)),
    "a path of two words by turns": lambda n: Url("http://h.example/" + "a/b/" * (n // 4)),
    "a path of one word but for its end": lambda n: Url("http://h.example/" + "a/" * (n // 2 - 4) + "b/c/"),
    "a path of one word but for its middle": lambda n: Url(
        "http://h.example/" + "a/" * (n // 4) + "b/" + "a/" * (n // 4)
    ),
}


def _chained(texts: Sequence[str]) -> object:
    """Each redirects to the one before: what a server makes of a list of links."""
    paths, known = redirects.Paths(), [Url(text) for text in texts]
    for row, (target, url) in enumerate(pairwise(known)):
        paths.way(target, url)
        paths.keep(url, row, target)
    return paths


def _tried_again(texts: Sequence[str]) -> object:
    paths = redirects.Paths()
    return [paths.try_again(row, [(row, Url(text))]) for row, text in enumerate(texts)]


def _answered(texts: Sequence[str]) -> object:
    answers = Answers()
    for row, text in enumerate(texts):
        url = Url(text)
        answers.judge(Answer(row, url, row % 3, row % 2, row * 7919, began=row, ended=row + 1, judged=row + 1))
        answers.block(Answer(row, url, row, row, began=row, ended=row + 1, judged=row + 1), "x", is_weak=bool(row % 2))
        answers.bar(Request(url))
    return answers.take_wanted(), answers.take_recovered()


def _outcomes(texts: Sequence[str]) -> list[Outcome]:
    return [
        Outcome(
            Lease(Request(Url(text), via=Url("http://h.example/"), depth=1), row),
            Disposition.FETCHED,
            page=Page(row.to_bytes(32, "big"), gist=row % 7, numbers=row, kind="html", end=(row, row % 5)),
        )
        for row, text in enumerate(texts)
    ]


def _folded(outcomes: Sequence[Outcome]) -> object:
    novelty = Novelty("park")
    return [novelty.fold(outcome) for outcome in outcomes], novelty.take_changed(), novelty.traps


def _sifted(texts: Sequence[str]) -> object:
    links = Links("\n".join(texts), bytes(8 * len(texts)))
    return Novelty("park").sift(links, Url("http://h.example/"))


def _shaped(texts: Sequence[str]) -> object:
    shapes = Shapes()
    return [shapes.pattern(text) for text in texts]


def _patterns(texts: Sequence[str]) -> list[str]:
    shapes = Shapes()
    return [shapes.pattern(text) for text in texts]


def _relearned(texts: Sequence[str]) -> object:
    shapes = Shapes()
    for text in texts:
        shapes.relearn(text)
    return shapes


def _vouched(texts: Sequence[str]) -> object:
    series = Series()
    return [(series.vouch(text), series.holds(text)) for text in texts], series.stored()


def _ended(texts: Sequence[str]) -> object:
    series = Series()
    return [series.names_end((row, row % 70), row) for row, _ in enumerate(texts)]


def _told(texts: Sequence[str]) -> object:
    pattern, memory, ring, sieve = Pattern("p", "s"), Memory(), Ring(512), Sieve()
    for row, text in enumerate(texts):
        pattern.note_source(text)
        pattern.has_source(text)
        memory.is_news(Page(b"", gist=row, numbers=row))
        ring.find(ring.add(row))
        sieve.add(row)
    return pattern.count(True, True)


def _admitted(texts: Sequence[str]) -> object:
    table = Admitted(b"key")
    folders = [f"{text.partition('//')[2]}" for text in texts]
    return table.add(folders), [table.holds(text) for text in folders], [table.holds_above(text) for text in folders]


def _response(fields: Sequence[tuple[bytes, bytes]]) -> Response:
    return Response(Url(BASE), 302, tuple(fields))


def _places(value: bytes) -> Response:
    return _response([(b"Location", b"/" + value)])


def _compared(response: Response) -> object:
    outcome = Outcome(Lease(Request(response.url, is_reread=True), 1), Disposition.REDIRECTED, response=response)
    return compared.answer(outcome, make_politeness(), Url("http://h.example/login?next=" + "%2F" * 600))


def _names_widened(texts: Sequence[str]) -> object:
    return [[*naming.wider_names(naming.kind_of(Url(text)))] for text in texts]


def _kind_widened(texts: Sequence[str]) -> object:
    known = list(dict.fromkeys(naming.kind_of(Url(text)) for text in texts[-32:]))
    return [naming.widen_kind(naming.kind_of(Url(text)), known) for text in texts]


ROBOTS = raw(
    runs(
        "User-agent: *\nDisallow: /x\n", "User-agent: *\n", "Disallow: /*a\n", "Allow: /x$\n", "Disallow: /x\n", "\n",
        "#", ":",
        "x", " ", "\0", "\r", "Sitemap: http://h.example/x\n", "Crawl-delay: 9\n", "Disallow: /%41%\n",
        "Disallow: /\xff\n",
        "Content-Usage: /*a train-ai=n\n", "Content-Signal: ai-train=no,",
        "User-agent: *\nContent-Usage: /x search=y\n",
        "User-agent: crawld\n", "Disallow /x\n", "User-agent: a\nUser-agent: b\nDisallow: /x\nDisallow: /y\n",
    )
)  # fmt: skip
_STARRED = (
    b"User-agent: *\n"
    + b"".join([b"Disallow: /%d*a*b*c\nAllow: /a*%d$\n" % (i, i) for i in range(500)])
    + b"Disallow: /*a*a*a*b\n"
)
_PREFERENCES = reading.parse(
    b"User-agent: *\n"
    + b"".join(
        [b"Content-Usage: /%d*a*b*c train-ai=n\nContent-Usage: /a*%d$ train-ai=y\n" % (i, i) for i in range(500)]
    ),
    "crawld",
)
_SECOND_RULES = read_robots(_STARRED, "crawld")
_RULES = reading.parse(
    _STARRED,
    "crawld",
)

ROWS = [
    Row("urls.url.parse", tried(urls.parse), TEXTS),
    Row("urls.url.parse of a reference", tried(lambda text: urls.parse(text, Url(BASE))), TEXTS),
    Row("urls.url.parse folded", tried(lambda text: urls.parse(text, None, make_policy(sort_params=True))), TEXTS),
    Row("urls.url.make_resolver", tried(urls.make_resolver(BASE, POLICY)), TEXTS),
    Row("urls.url.make_joiner", tried(urls.make_joiner(urls.make_resolver(BASE, POLICY))), TEXTS),
    Row("urls.url.make_resolver of a base", tried(lambda text: urls.make_resolver(text)("x")), TEXTS),
    Row("urls.url.is_too_long", lambda text: urls.is_too_long(text, BASE), TEXTS),
    Row("urls.url.has_listed_suffix", tried(urls.has_listed_suffix), TEXTS),
    Row("urls.url.explain", tried(urls.explain), TEXTS),
    Row(
        "urls.url.explain of a reference",
        tried(lambda text: urls.explain(text, Url(BASE), POLICY)),
        TEXTS,
    ),
    Row("urls.url.resolve_absolute", urls.resolve_absolute, TEXTS),
    Row("urls.url.resolve_absolute of a reference", lambda text: urls.resolve_absolute(text, BASE), TEXTS),
    Row("urls.url.resolve_base", lambda text: urls.resolve_base(BASE, text), TEXTS),
    Row("urls.url.fold_url", tried(lambda url: urls.fold_url(url, POLICY)), CANONICAL, most=LONGEST),
    Row("urls.url.fingerprint", lambda url: urls.fingerprint(url.text, b"key"), CANONICAL, most=LONGEST),
    Row("urls.url.fingerprints", lambda texts: urls.fingerprints(texts, b"key"), LINE, most=1 << 20, step=100),
    Row("urls.url.host_port", urls.host_port, CANONICAL, most=LONGEST),
    Row("urls.url.authority", urls.authority, CANONICAL_TEXTS, most=LONGEST),
    Row("urls.url.host", urls.host, CANONICAL, most=LONGEST),
    Row("urls.url.bare_host", urls.bare_host, HOSTS, most=LONGEST),
    Row("urls.url.registered_domain", urls.registered_domain, CANONICAL, most=LONGEST),
    Row("urls.url.registered_domain_of_host", urls.registered_domain_of_host, HOSTS, most=LONGEST),
    Row(
        "urls.url.suffix_and_domain",
        lambda host: suffix_and_domain(host, only_registries=True),
        HOSTS,
        most=LONGEST,
    ),
    Row("urls.url.is_address", urls.is_address, runs("1.", "0:", ":", "1", "f", "%", "a.", "\u0661"), most=LONGEST),
    Row(
        "urls.canonical.describe_folding",
        lambda url: canonical.describe_folding(url.text, POLICY),
        CANONICAL,
        most=2 * LONGEST,
    ),
    Row(
        "urls.canonical.make_folder",
        lambda url: canonical.make_folder(make_policy(sort_params=True))(url.text),
        CANONICAL,
        most=2 * LONGEST,
    ),
    Row("policy.scope.Scope.sieve", _grown, PERIODS, most=LONGEST),
    Row("policy.scope.Scope.sieve of a page", _grown, CANONICAL, most=LONGEST),
    Row("policy.scope.Scope.judge", lambda url: make_scope("domain").judge(url, 1)(url.text), CANONICAL, most=LONGEST),
    Row(
        "policy.scope.Scope.reject",
        lambda url: make_scope("prefix").reject(Request(url, via=url, depth=1)),
        CANONICAL,
        most=LONGEST,
    ),
    Row(
        "policy.scope.Scope.explain",
        lambda url: make_scope("host").explain(Request(url, via=url, depth=1)),
        CANONICAL,
        most=LONGEST,
    ),
    Row("policy.scope.Scope.place", lambda url: make_scope("domain").place(url.text), CANONICAL, most=LONGEST),
    Row("policy.scope.place", lambda url: scope.place(url.text, "domain"), CANONICAL, most=LONGEST),
    Row("policy.scope.places", lambda url: scope.places(url, "prefix"), CANONICAL, most=LONGEST),
    Row("policy.scope.is_moved", lambda url: scope.is_moved(url, Url(BASE)), CANONICAL, most=LONGEST),
    Row(
        "policy.scope.is_within", lambda url: scope.is_within(url, "prefix", Admitted(b"key")), CANONICAL, most=LONGEST
    ),
    Row(
        "policy.scope.Scope.sieve of patterns",
        lambda url: make_scope("any", include=("*a*b*c", "/*/x*"), exclude=("*.pdf", "h.example/a*z")).sieve(url, 1)(
            url.text
        ),
        CANONICAL,
        most=LONGEST,
    ),
    Row("policy.admitted.Admitted.add", _admitted, LINE, most=1 << 20, step=100),
    Row(
        "policy.admitted.Admitted.holds_above",
        lambda url: Admitted(b"key").holds_above(url.text.partition("//")[2]),
        CANONICAL,
        most=LONGEST,
    ),
    Row("robots.reading.parse", lambda body: reading.parse(body, "crawld"), ROBOTS, most=reading.MAX_BYTES),
    Row("proving.robots_reader.read_robots", lambda body: read_robots(body, "crawld"), ROBOTS, most=reading.MAX_BYTES),
    Row("proving.robots_reader.Group.find", lambda url: _SECOND_RULES.find(url.path), CANONICAL, most=LONGEST),
    Row("robots.rules.RobotsRules.statements", _PREFERENCES.statements, CANONICAL, most=LONGEST),
    Row(
        "robots.preferences.read_line",
        lambda value: preferences.read_line("content-usage", value, 1),
        raw(runs("train-ai=n,", ",", "=", ";", "a", '"', "\\", " ", "*", "/", "%", "train-ai", head="/x ")),
        most=FIELD,
    ),
    Row(
        "robots.tdmrep.read_reservations",
        tdmrep.read_reservations,
        raw(
            runs('{"location":"/*a*b","tdm-reservation":1},', "[", '{"a":', " ", '"', "\\", "1,", head="[")
            | runs("*", "/", "%4", "a*", head='[{"tdm-reservation":1,"location":"', tail='"}]')
        ),
        most=tdmrep.MAX_BYTES,
    ),
    Row("robots.rules.RobotsRules.allows", _RULES.allows, CANONICAL, most=LONGEST),
    Row("robots.rules.RobotsRules.verdict", _RULES.verdict, CANONICAL, most=LONGEST),
    Row(
        "robots.reading.product_token",
        robots.product_token,
        runs("Mozilla/", "(compatible;", " ", "a", "Mozilla/5.0 (compatible; "),
        most=FIELD,
    ),
    Row("robots.rules.escape_path", rules.escape_path, runs("%", "%4", "%4a", "{", "a", "/"), most=FIELD),
    Row(
        "robots.rules.escape_pattern", rules.escape_pattern, raw(runs("ü", "%", "%4a", "{", "$", "*", "a")), most=FIELD
    ),
    Row("robots.rules.unescape_octets", rules.unescape_octets, runs("%", "%4", "%41", "a", "/"), most=FIELD),
    Row("policy.redirects.location", tried(redirects.location), made(raw(TEXTS), _places), most=FIELD),
    Row(
        "policy.redirects.is_redirect",
        redirects.is_redirect,
        {"many fields": lambda n: _response([(b"Location", b"/%d" % i) for i in range(n // 100)])},
    ),
    Row("policy.redirects.Paths.way", _chained, LINE, most=20_000, step=100),
    Row("policy.redirects.Paths.try_again", _tried_again, LINE, most=20_000, step=100),
    Row(
        "policy.answers.compared.answer",
        _compared,
        {
            "many fields": lambda n: _response([(b"X-Cache", b"x" * 100)] * (n // 100)),
            "an age": lambda n: _response([(b"Age", b"0 " * (n // 2))]),
        },
        most=FIELD,
    ),
    Row("policy.answers.judging.Answers.judge", _answered, LINE, most=1 << 16, step=100),
    Row("policy.answers.naming.kind_of", naming.kind_of, CANONICAL, most=LONGEST),
    Row("policy.answers.naming.wider_names", _names_widened, LINE, most=1 << 14, step=100),
    Row("policy.answers.naming.widen_kind", _kind_widened, LINE, most=1 << 14, step=100),
    Row("policy.traps.novelty.Novelty.fold", _folded, made(LINE, _outcomes), most=1 << 15, step=100),
    Row("policy.traps.novelty.Novelty.sift", _sifted, LINE, most=50_000, step=100),
    Row(
        "policy.traps.novelty.Novelty.trap",
        lambda url: (Novelty("park").trap(url.text), Novelty("park").earlier_news(url.text)),
        CANONICAL,
        most=LONGEST,
    ),
    Row("policy.traps.shapes.Shapes.pattern", _shaped, LINE, most=1 << 17, step=100),
    Row("policy.traps.shapes.Shapes.pattern of a URL", lambda url: Shapes().pattern(url.text), CANONICAL, most=LONGEST),
    Row("policy.traps.shapes.Shapes.relearn", _relearned, made(LINE, _patterns), most=1 << 17, step=100),
    Row("policy.traps.series.Series.vouch", _vouched, LINE, most=1 << 17, step=100),
    Row(
        "policy.traps.series.Series.vouch of a URL",
        lambda url: (Series().vouch(url.text), Series().holds(url.text)),
        CANONICAL,
        most=LONGEST,
    ),
    Row("policy.traps.series.Series.names_end", _ended, LINE, most=1 << 17, step=100),
    Row("policy.traps.pattern.Pattern.note_source", _told, LINE, most=1 << 17, step=100),
]
