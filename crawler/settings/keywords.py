"""Declares the settings as keyword arguments, for tools that check types. Written by `make settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from .copies import CopiesConfig
from .dedupe import DedupeConfig
from .extract import ExtractConfig
from .fetch import FetchConfig
from .identity import IdentityConfig
from .output import FrontierConfig, OffloadConfig, SinkConfig
from .politeness import PolitenessConfig
from .proof import ProofConfig
from .render import RenderConfig
from .scope import ScopeConfig, UrlsConfig
from .search import SearchConfig
from .sites import SiteConfig
from .telemetry import TelemetryConfig
from .usage import UsageConfig
from .warc import WarcConfig
from .watch import WatchConfig


class SiteSettings(TypedDict, total=False):
    """Keywords of `SiteConfig`. Settings for one site, one host, or many of them. The name says which:
    `https://example.org` is one site, `example.org` all sites of that host, `*.example.org` all hosts below it.
    docs/sites.md tells which name wins."""

    delay_s: float | None
    """Rest between an answer and the next request, instead of `politeness.delay_s`; a larger Crawl-delay wins."""
    per_site: int | None
    """Most requests at a time, instead of `politeness.per_site`."""
    limit: int | None
    """Fetch this many pages of each of these sites, instead of `scope.limit_per_site`. Read when a crawl is opened."""
    bytes_per_s: int | None
    """Most bytes a second from each of these sites: 500_000, or "500K", "2M"."""
    headers: Mapping[str, str]
    """Header fields sent with every request. An empty value drops a field that would be sent otherwise."""
    proxy: str | None
    """The proxy to go through, instead of `fetch.proxies`; `direct`: none."""
    basic_auth: str
    """`user:password`, sent as Basic authentication (RFC 7617). For one site only, as the next three."""
    bearer: str
    """A token, sent as Bearer authentication (RFC 6750)."""
    client_cert: str
    """A PEM file with the certificate to show to this site when it asks for one."""
    client_key: str
    """A PEM file with the private key of the certificate, unencrypted; empty: the key is in `client_cert`."""


class ScopeSettings(TypedDict, total=False):
    """Keywords of `ScopeConfig`. The URLs that belong to a crawl, and the limits where it ends."""

    reach: Literal["page", "prefix", "host", "domain", "any"]
    """Farthest that links may lead: nowhere (page), below the folder of a seed (prefix), to its host, to its registered
    domain, anywhere."""
    follow_moved_seeds: bool
    """Whether to crawl another registered domain that a seed redirects to; else only the page it landed on is
    fetched."""
    max_depth: int | None
    """Most hops from the seed; 0: only the seeds are fetched; absent: no limit."""
    include: Sequence[str]
    """Follow only links that match one of these: globs over the whole URL, or `re:` and a regular expression."""
    exclude: Sequence[str]
    """Never fetch URLs that match one of these, seeds included."""
    limit: int | None
    """Stop after this many fetched pages, exactly."""
    limit_per_site: int | None
    """Fetch this many pages of a site (scheme, host and port), exactly; its other URLs are excluded."""
    limit_per_domain: int | None
    """Fetch this many pages of a registered domain, over all its sites, exactly; its other URLs are excluded."""
    time_limit_s: float | None
    """Stop after this long; the same command continues the crawl."""
    size_limit_bytes: int | None
    """Stop after this much was downloaded; the same command continues the crawl."""
    max_repeats: int
    """Most repeats in a row of a group of path segments, as in /a/b/a/b/a/b/. From then on, links of such a page that
    add one more are left out. Groups of numbers, as in dates and shards, and doubled slashes do not count."""
    traps: Literal["park", "warn", "off"]
    """Treatment of an endless pattern of URLs that brings nothing new, as a calendar: `park` keeps its URLs back until
    you say otherwise, `warn` names it in the summary, `off` does not look for it."""
    follow: Sequence[
        Literal[
            "anchors",
            "frames",
            "refresh",
            "pagination",
            "canonical",
            "alternates",
            "feeds",
            "images",
            "media",
            "styles",
            "scripts",
            "forms",
        ]
    ]
    """Kinds of links to follow, in pages and in Link headers: anchors (a, area), frames (frame, iframe), refresh,
    pagination (rel next, prev), canonical, alternates (translations, other formats), feeds, images, media (video,
    audio, embed, object), styles, scripts, forms (that ask for a page). Links in sitemaps and feeds are always
    followed."""
    max_links: int
    """Most links of one page to follow, the first ones; a sitemap has 50,000 by its protocol."""
    nofollow: Literal["ignore", "pages", "links"]
    """The `nofollow` that counts: none (ignore); that of pages (robots meta, X-Robots-Tag); that of single links (rel)
    too."""
    requisites: bool
    """Fetch what pages need to be shown, whatever its host: images, styles, scripts, fonts, icons, media, frames, and
    what styles name. They count neither as pages nor as hops, and no link of theirs is followed."""
    max_requisites: int
    """Most requisites of one page, or of one style sheet, the first ones."""
    extra_hops: int
    """Follow links that leave the reach so many hops further out, and no further; no way back into the reach counts."""
    sitemaps: bool
    """Visit the sitemaps that robots.txt names. Pages they list count as near as the seed."""
    focus: str
    """Words and "phrases" that are sought: pages that promise them by link text, URL and the page that names them are
    visited first, within their site and, with `max_depth`, their depth (docs/focus.md). Empty: none."""
    data_follows: bool
    """Hand the data of a request (docs/own-data.md), such as the columns of a seed, down to the requests that its page
    leads to. The page that finds a URL first decides its data."""


class UrlsSettings(TypedDict, total=False):
    """Keywords of `UrlsConfig`. Spellings of a URL that count as one. Each URL is fetched once, in whatever
    spelling."""

    strip_params: Sequence[str]
    """Query parameters to drop, in any case; `*` stands for anything, `?` for one character."""
    strip_session_ids: bool
    """Drop session ids: `;jsessionid=`, PHPSESSID and similar names, `/(S(...))/`, and `sid` where its value looks like
    one."""
    sort_params: bool
    """Order query parameters by name. Off by default: to some servers their order means something."""


class PolitenessSettings(TypedDict, total=False):
    """Keywords of `PolitenessConfig`. Politeness: rests between requests, retries, robots.txt and revisits."""

    delay_s: float
    """Rest between an answer and the next request to the same site; a larger Crawl-delay wins."""
    max_delay_s: float
    """Longest Crawl-delay that is honoured."""
    adapt: Literal["latency", "off"]
    """Whether a site rests longer than its delay while it answers slowly, and after 429, 502, 503, 504, time-outs and
    broken connections (latency). It never rests less than its delay; without a delay it does not rest at all."""
    adapt_factor: float
    """Rest of a site that answers slowly, as a multiple of the time until its answers begin. A delay below one second
    gets the same share of it. 0: only trouble makes rests longer."""
    adapt_max_s: float
    """Longest rest that a site gets for being slow or in trouble."""
    max_retry_after_s: float
    """Longest Retry-After that is honoured. A site whose setbacks do not end rests this long at most between two
    attempts."""
    per_site: int
    """Most requests at a time to one site (scheme, host, port), each followed by its own rest: N requests per
    `delay_s`. A site that asks for a Crawl-delay, or to be left alone for now (Retry-After), gets one at a time all the
    same."""
    per_ip: int
    """Most requests at a time to one address, for all sites behind it; never less than per_site."""
    max_attempts: int
    """Most attempts for a URL before it counts as failed."""
    retry_delay_s: float
    """Wait before the second attempt; each further wait is three times longer."""
    robots: Literal["obey", "ignore"]
    """Whether robots.txt is obeyed (RFC 9309)."""
    robots_ttl_s: float
    """Longest time that a robots.txt stays fresh (RFC 9309 2.4: at most a day)."""
    revisit_after_s: float | None
    """Visit pages again, at least this much later. The wait grows while a page does not change and shrinks when it
    does. None: each page is visited once."""
    revisit_at_most_s: float
    """The longest wait for a revisit; never less than revisit_after_s."""


class FetchSettings(TypedDict, total=False):
    """Keywords of `FetchConfig`. Limits and options of one exchange over the network."""

    fetcher_kind: str
    """The part that makes exchanges: `http`, or one around it that an installed package adds (docs/plugins.md)."""
    fetcher_options: Mapping[str, object]
    """Settings of a fetcher that a package adds."""
    archives: Sequence[str]
    """Archives to answer from instead of the network: WARC and WACZ files, and folders that hold some (docs/replay.md).
    Then no site rests between requests."""
    concurrency: int
    """Most visits under way at a time, over all sites."""
    timeout_s: float
    """Time limit of one exchange as a whole, from connecting to the last byte."""
    connect_timeout_s: float
    """Time limit for connecting: name look-up, TCP and TLS."""
    min_bytes_per_s: float
    """Least average speed of an answer that has begun, else it ends as `too-slow`; 0: no least speed."""
    slow_after_s: float
    """Longest time that an answer may be slower than that, from its first byte on."""
    bytes_per_s: int | None
    """Most bytes a second to receive over all sites, heads included: 500_000, or "500K", "2M". Servers are made to
    wait. None: as fast as they come. In a daemon, the owner's number counts for all jobs together."""
    max_body_bytes: int
    """Largest body. Larger ones end as `too-large`, measured before and after decompression."""
    oversized: Literal["discard", "keep"]
    """Treatment of a body that is too large: `discard` drops it; `keep` reads as much as fits, and the record says
    `truncated`."""
    budget_bytes: int
    """Memory for all bodies at a time, together; never less than two of the largest."""
    max_redirects: int
    """Most redirects in a row; one more ends as `too-many-redirects`."""
    allow_networks: Sequence[str]
    """Networks to allow that are refused otherwise (private, loopback, ...): `["127.0.0.0/8"]`."""
    name_servers: Sequence[str]
    """Addresses of name servers to ask instead of the system's: `["9.9.9.9", "127.0.0.1:5353", "[::1]:53"]`."""
    proxy: str | None
    """A proxy: `http://user:password@host:port`, or `socks5://...` with the extra `socks`. The guard of addresses
    cannot see behind it."""
    proxies: Sequence[str]
    """Several proxies, instead of one in `proxy`. Each site keeps to one of them; while that one cannot be connected
    to, its sites use others."""
    no_proxy: Sequence[str]
    """Hosts to reach without the proxy: host names with all below them, networks, or `*`."""
    cookies: bool
    """Keep cookies for the length of a run, separately for each site (RFC 6265bis)."""
    cookie_file: str
    """A file that keeps the cookies, secrets too, for the next run: `cookies.txt` is one in the crawl folder. Needs
    `cookies`."""
    verify_tls: bool
    """Check the certificates of sites."""
    ca_file: str
    """A PEM file of certificate authorities to trust beside the system's."""
    accept_language: str
    """Languages to ask for, best first: `de, en;q=0.5` (RFC 9110 12.5.4)."""
    headers: Mapping[str, str]
    """Header fields sent with every request to every site; secret ones belong into `sites`."""


class OffloadSettings(TypedDict, total=False):
    """Keywords of `OffloadConfig`. Workers that do the CPU work."""

    executor: Literal["process", "thread", "inline", "auto"]
    """The place where parsing, hashing and decompression run. `auto` measures what each place costs and takes the
    cheapest; only plain pages below 64 KiB may leave the worker processes (docs/concurrency.md)."""
    workers: int
    """Number of worker processes; 0: one for each core that this process may use."""
    loops: int
    """Event loops of the command `crawl`, each a process with workers of its own (docs/scale.md). 0, or `auto`: one for
    every two cores, from four cores on."""
    inline_below_bytes: int
    """Bodies below this size are parsed on the loop, for handing over costs more, unless they are compressed or a
    function of yours reads them. A stranger can make 1 KiB cost a millisecond, and larger bodies in proportion."""
    batch: int
    """Most pages handed over together, while all workers are busy."""
    page_cpu_s: float
    """CPU seconds that one page may cost. Then its worker is ended, and the links come from a linear scan: `parse-
    timeout`."""
    page_memory_bytes: int
    """Memory that reading one page may take, in one worker at a time; a quarter of it in all others. A page that needs
    more is read by a linear scan alone: `parse`."""


class FrontierSettings(TypedDict, total=False):
    """Keywords of `FrontierConfig`. Storage of the queue and of the known URLs."""

    kind: str
    """The store of the queue: `sqlite`; `memory`, which loses everything at the end of the process; `engine`, a server
    that several machines work on together (docs/scale.md); or one that an installed package adds (docs/plugins.md)."""
    engine: str
    """The server of the kind `engine`: `postgresql://user:password@host/database`, or `redis://:password@host:6379/0`.
    `$NAME` reads it from the environment, so that it is stored nowhere."""
    crawl: str
    """The name of the crawl in the engine: all nodes that name it work on it together."""
    node: str
    """The name of this node in the engine. Whoever joins with the name of another node ends that one's part."""
    shards: int
    """Parts into which a crawl in an engine is cut, a power of two. Its sites are shared out by these among nodes. Set
    when the crawl is made."""
    ttl_s: float
    """Seconds without a sign of life after which other nodes of an engine take over the sites of a node."""
    store_options: Mapping[str, object]
    """Settings of a store that a package adds."""
    durability: Literal["none", "process", "power"]
    """Failures that a settled page survives: the end of the process (kill -9), or a power cut too. `process` waits for
    no disk; after a power cut, the pages of the last minute may have to be fetched again. `none` is `process`, and
    takes an engine that may lose the whole crawl, too (docs/scale.md)."""
    memory_bytes: int
    """Memory that known URLs and active sites should take; a warning is logged at four fifths of it. 0: no warning. A
    URL takes 20 bytes, a site with queued URLs 6,000."""


class WatchSettings(TypedDict, total=False):
    """Keywords of `WatchConfig`. Checks of the crawl on itself."""

    blocked_after_s: float
    """Longest stop of the event loop that is not reported. A longer stop is reported with the code that caused it; 0:
    not watched."""


class TelemetrySettings(TypedDict, total=False):
    """Keywords of `TelemetryConfig`. Traces and metrics by OpenTelemetry (docs/telemetry.md)."""

    otel: bool
    """Send traces and metrics to a collector, by OTLP over HTTP. Needs the extra `otel`: `pip install
    'crawld[otel]'`."""
    otel_endpoint: str
    """The collector, as in `http://localhost:4318`. Empty: what `OTEL_EXPORTER_OTLP_ENDPOINT` says, else that one.
    Passwords and tokens for it belong in `OTEL_EXPORTER_OTLP_HEADERS`."""
    trace_ratio: float
    """Share of the visits that are traced, each with its exchanges. Runs of crawls always are."""
    trace_queries: bool
    """Record the values in the queries of URLs. Otherwise spans have `REDACTED` in their place."""


class ExtractSettings(TypedDict, total=False):
    """Keywords of `ExtractConfig`. Texts of pages, where an output asks for them (`--text`, `--markdown`), and values
    that your function finds."""

    part: Literal["main", "page"]
    """The part of a page that text and markdown are made of: `main`, without menus, footers and asides, or `page`, all
    that a reader sees (docs/extraction.md)."""
    quality: Literal["fast", "best"]
    """How the main part is found: `fast` takes 0.6 ms a page; `best` asks trafilatura, which takes 15 ms and the extra
    `extract` (`pip install 'crawld[extract]'`)."""
    pdf: bool
    """Read PDF files: their text, where outputs have texts, their links, and facts such as pages and author, in the
    field `pdf` of records. It takes the extra `pdf` (`pip install 'crawld[pdf]'`)."""
    fields: Mapping[str, str]
    """Values that selectors take out of each page, by names of your choice, for the field `fields` of records: `price =
    "css:.price as number"`, `sku = "jsonld:Product.sku"` (docs/extraction.md)."""
    function: str
    """A parse function of yours, as `module:function`, which the workers import; its result is the field `data` of
    records (docs/parsing.md). The module may stand in the folder where the command is called. Empty: none."""


class SearchSettings(TypedDict, total=False):
    """Keywords of `SearchConfig`. Words by which pages of a crawl are found again (`crawl search`)."""

    index: bool
    """Keep an index for `crawl search` up to date while the crawl runs. Without it, the first search makes one
    (docs/searching.md)."""


class UsageSettings(TypedDict, total=False):
    """Keywords of `UsageConfig`. Preferences of sites about the use of their content ([usage.md](usage.md))."""

    purpose: Sequence[str]
    """The purposes of the crawl, some of `search`, `archive`, `ai-train`, `ai-input`: what sites say about use is read
    and recorded (`usage`). Empty: it is not."""
    respect: Literal["record", "obey"]
    """How it counts: `record` only records it; `obey` keeps no content that its site refuses for one of these purposes,
    and does not fetch it where robots.txt or tdmrep.json say so."""


class ProofSettings(TypedDict, total=False):
    """Keywords of `ProofConfig`. Proof of politeness ([proof.md](proof.md))."""

    audit_requests: bool
    """Record each request in `requests.audit` before it leaves, with its grounds, and keep each robots.txt: `crawl
    prove` checks them."""


class IdentitySettings(TypedDict, total=False):
    """Keywords of `IdentityConfig`. A signature on requests over TLS, by which sites can tell who asks
    ([identity.md](identity.md))."""

    signature_agent: str
    """The origin under which your public key is published, like `https://bot.example.org`: sites fetch `/.well-
    known/http-message-signatures-directory` from there."""
    key_file: str
    """The file of the key that signs requests over TLS (`crawl identity new` makes one). Empty: nothing is signed."""


class RenderSettings(TypedDict, total=False):
    """Keywords of `RenderConfig`. Pages that scripts make, rendered by the machine's own Chromium
    (docs/rendering.md)."""

    mode: Literal["never", "auto", "always"]
    """Which pages are rendered: none, those that seem empty without their scripts (auto), or every HTML page."""
    browser: str
    """The Chromium to use, a path or the name of a program. Empty: the one that is found. None is ever downloaded."""
    pages_at_once: int
    """Most pages that are rendered at a time. Each takes some 50 MB, and the browser itself 250."""
    page_timeout_s: float
    """Time for one page. Waits for the turns of sites do not count. A page that takes longer is taken as it is then."""
    settle_s: float
    """Longest wait, once a page is loaded, for it to stop asking for more."""
    max_page_requests: int
    """Most requests that one page may make; all further ones fail."""
    tab_memory_bytes: int
    """Memory that one page may take. A page that takes more is ended, and recorded as it was without its scripts."""
    browser_memory_bytes: int
    """Memory of the browser from which on it is replaced by a new one."""
    browser_pages: int
    """Pages after which the browser is replaced by a new one."""
    scroll: bool
    """Scroll each page to its end, again and again while that brings more."""
    load_more: str
    """Press the button that loads more while that brings more: `auto` finds it by its words, a CSS selector names it.
    Empty: press none."""
    reject_consent: bool
    """Press the button of a consent wall that refuses, if the wall has one. None is ever accepted or removed."""
    state_links: int
    """Most links to other states of a page (`#/about`, tabs) that are pressed, to find the links that it has there."""
    most_steps: int
    """Most times that one page is scrolled to its end or asked for more."""


class DedupeSettings(TypedDict, total=False):
    """Keywords of `DedupeConfig`. Pages whose text nearly repeats that of an earlier page of the crawl (docs/near-
    duplicates.md)."""

    near_duplicates: Literal["keep", "mark", "skip"]
    """How near duplicates are recorded: `keep` does not look for them; `mark` names the earlier page in their records
    (`near_duplicate_of`); `skip` leaves out their `text` and `markdown` as well."""
    near_similarity: float
    """The share of pairs of words that two texts have in common, from which on the later one is a near duplicate."""


class WarcSettings(TypedDict, total=False):
    """Keywords of `WarcConfig`. WARC files, where an output has the kind `warc` (`--warc`)."""

    prefix: str
    """The beginning of the names of the files: `crawl-20260504030201-00000-1f2e3d4c.warc.gz`."""
    max_file_bytes: int
    """Size from which on a file is full and the next one is begun, such as 500M. The last answer may exceed it."""
    digest: Literal["sha1", "sha256"]
    """The digests of records: `sha1`, which all tools compare, or `sha256`."""
    dedupe_with: Sequence[str]
    """Earlier archives: crawl folders, folders of WARC files, indexes (CDXJ). A body that they hold is not stored
    again; the record refers to it, and can be played only together with them."""
    whole_requests: bool
    """Write the values of Authorization and Cookie of requests, too. Otherwise records say that they are not kept."""
    zstd: bool
    """Offer zstd to servers while WARC files are written. Some players (pywb) cannot decode it."""


class CopiesSettings(TypedDict, total=False):
    """Keywords of `CopiesConfig`. Copies of a crawl's finished files in an object store (docs/object-stores.md)."""

    to: str
    """Place in a store, such as `s3://bucket/crawls/shop`. Finished files of the outputs `warc` and `parquet` are
    copied there while the crawl goes on; those of `jsonl` and `csv` at the end of each run. Empty: nowhere. Needs the
    extra `cloud`."""


class SinkSettings(TypedDict, total=False):
    """Keywords of `SinkConfig`. An output for records; one table for each output."""

    kind: str
    """The format: `jsonl`, one JSON object per line; `csv`, a table; `sqlite`, a database; `parquet`, a folder of
    files; `postgres`, a table of a server; `webhook`, messages to a URL; `warc`, an archive of every exchange; `files`,
    bodies as files (docs/outputs.md); or one that an installed package adds (docs/plugins.md)."""
    path: str
    """File name inside the crawl folder; for `warc`, `files`, `parquet` and `webhook` that of a folder in it. A table
    whose name ends with `.tsv` has tabs between its cells. A format of a package may do without."""
    fields: Sequence[str]
    """The columns of a table: fields of records (docs/records.md), such as `url` or `timings.ttfb`. Empty: all but the
    large ones, which `links`, `text` and `headers` add."""
    links: bool
    """Write the list of all links of each page."""
    text: bool
    """Write the readable text of each page's main part."""
    markdown: bool
    """Write the main part of each page as markdown (docs/extraction.md)."""
    metadata: bool
    """Write what each page says of itself: title, authors, dates, breadcrumbs, translations (docs/extraction.md)."""
    structured: bool
    """Write the structured data of each page: JSON-LD, microdata, RDFa, Open Graph, Twitter cards, Dublin Core."""
    headers: bool
    """Write the header fields of the answer."""
    simhash: bool
    """Write the simhash of each page, by which near duplicates are found. It takes a tenth of a worker's CPU time."""
    audit: bool
    """Write facts for the owner of a site about each page: links with their texts, places, headings, translations,
    structured data, mixed content, security headers (docs/records.md). They take a quarter of a worker's CPU time."""
    types: Sequence[Literal["html", "pdf", "images", "all", "screenshots", "prints"]]
    """The bodies that `files` saves, by their media type, and views of rendered pages: `screenshots` as PNG, `prints`
    as PDF. Empty: all bodies."""
    url: str
    """The server of `postgres`, `postgresql://user:password@host/database`, or the URL that `webhook` posts to. `$NAME`
    reads it from the environment, so that it is stored nowhere."""
    secret: str
    """The secret that signs messages of `webhook` (Standard Webhooks), such as `whsec_...`; `$NAME` reads it from the
    environment. Empty: they are not signed."""
    table: str
    """The table of `postgres`, which is made if it is missing; `schema.table` names its schema, too."""
    give_up_s: float
    """How long a crawl waits for a server that takes no pages. Then the run ends; nothing is lost."""
    batch: int
    """Most records in one message of `webhook` or one file of `parquet`. 0: the usual 100 and 100,000."""
    batch_bytes: int
    """Most bytes of records in one message or file, counted as JSON. 0: the usual 256K and 256M."""
    batch_s: float
    """How many seconds a record waits for others in one message or file. 0: the usual 5 and 600."""
    options: Mapping[str, object]
    """Settings of a format that a package adds."""


class Settings(
    ScopeSettings,
    UrlsSettings,
    PolitenessSettings,
    FetchSettings,
    OffloadSettings,
    FrontierSettings,
    WatchSettings,
    TelemetrySettings,
    ExtractSettings,
    SearchSettings,
    UsageSettings,
    ProofSettings,
    IdentitySettings,
    RenderSettings,
    DedupeSettings,
    WarcSettings,
    CopiesSettings,
    total=False,
):
    """Settings of a crawl by name, as `open_crawl`, `crawl`, `stream` and `Crawl.change` take them: each by itself
    (`max_depth=2`) or in its table (`scope={'max_depth': 2}`)."""

    preset: str
    """The preset that these settings begin with: archive, audit, text (`crawl config presets`). All settings given
    beside it win. Empty: none."""
    user_agent: str
    """The name that the crawl gives itself in User-Agent; empty: the project's name and version."""
    contact: str
    """A mail address or URL where the owner of a site reaches you; it becomes part of the User-Agent."""
    sites: Mapping[str, SiteSettings | SiteConfig]
    """Settings for single sites, hosts or patterns of hosts, in tables like `[sites."https://example.org"]` or
    `[sites."*.example.org"]`: any of delay_s, per_site, limit, bytes_per_s, headers, proxy, basic_auth, bearer,
    client_cert, client_key."""
    scope: ScopeSettings | ScopeConfig
    """The URLs that belong to a crawl, and the limits where it ends."""
    urls: UrlsSettings | UrlsConfig
    """Spellings of a URL that count as one. Each URL is fetched once, in whatever spelling."""
    politeness: PolitenessSettings | PolitenessConfig
    """Politeness: rests between requests, retries, robots.txt and revisits."""
    fetch: FetchSettings | FetchConfig
    """Limits and options of one exchange over the network."""
    offload: OffloadSettings | OffloadConfig
    """Workers that do the CPU work."""
    frontier: FrontierSettings | FrontierConfig
    """Storage of the queue and of the known URLs."""
    watch: WatchSettings | WatchConfig
    """Checks of the crawl on itself."""
    telemetry: TelemetrySettings | TelemetryConfig
    """Traces and metrics by OpenTelemetry (docs/telemetry.md)."""
    extract: ExtractSettings | ExtractConfig
    """Texts of pages, where an output asks for them (`--text`, `--markdown`), and values that your function finds."""
    search: SearchSettings | SearchConfig
    """Words by which pages of a crawl are found again (`crawl search`)."""
    usage: UsageSettings | UsageConfig
    """Preferences of sites about the use of their content ([usage.md](usage.md))."""
    proof: ProofSettings | ProofConfig
    """Proof of politeness ([proof.md](proof.md))."""
    identity: IdentitySettings | IdentityConfig
    """A signature on requests over TLS, by which sites can tell who asks ([identity.md](identity.md))."""
    render: RenderSettings | RenderConfig
    """Pages that scripts make, rendered by the machine's own Chromium (docs/rendering.md)."""
    dedupe: DedupeSettings | DedupeConfig
    """Pages whose text nearly repeats that of an earlier page of the crawl (docs/near-duplicates.md)."""
    warc: WarcSettings | WarcConfig
    """WARC files, where an output has the kind `warc` (`--warc`)."""
    copies: CopiesSettings | CopiesConfig
    """Copies of a crawl's finished files in an object store (docs/object-stores.md)."""


class AllSettings(Settings, total=False):
    """All settings of a crawl by name, as `Config` takes them: those of `Settings`, and the outputs."""

    sinks: Sequence[SinkSettings | SinkConfig]
    """The outputs of a crawl."""
