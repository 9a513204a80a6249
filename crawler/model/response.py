"""An answer of a site, as it came over the wire."""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from ..dataclass import dataclass
from .header_pairs import Headers, describe_decoded, find_charset, find_values, make_pairs
from .quick import quick
from .rendered import Rendered
from .request import Url


@quick
@dataclass(frozen=True, slots=True)
class Timings:
    """How long each stage of one visit took, in milliseconds."""

    dns: float = 0.0
    """Looking up the name; 0 on a connection that was reused."""
    connect: float = 0.0
    """TCP and TLS together; 0 on a connection that was reused."""
    ttfb: float = 0.0
    """From the end of the request to the answer's header."""
    download: float = 0.0
    """From the answer's header to the end of its body."""
    queue: float = 0.0
    """From lease to the start of the exchange: robots, address limits and the byte budget."""
    parse: float = 0.0
    """From the end of the body to the parsed page, with the wait for a worker."""
    render: float = 0.0
    """Rendering, with the waits for a free place and for the turns of sites; 0: the page was not rendered."""

    @property
    def total(self) -> float:
        """From lease to page, in milliseconds."""
        return self.dns + self.connect + self.ttfb + self.download + self.queue + self.render + self.parse


class Heads(NamedTuple):
    """The heads of one exchange, byte for byte. Each ends with its empty line."""

    request: bytes = b""
    """The request line and the fields, with cookies and passwords that the settings give for the site."""
    response: bytes = b""
    """The status line and the fields."""
    interim: tuple[bytes, ...] = ()
    """Heads of the interim answers (RFC 9110 15.2) that came before: 100, 103."""

    @property
    def status_line(self) -> bytes:
        """The first line of the answer without its end: `HTTP/1.1 200 OK`."""
        return self.response.partition(b"\n")[0].rstrip(b"\r")


class Share(Protocol):
    """The memory that a response takes of the budget for bodies. Used on the event loop only."""

    def give_back(self) -> None:
        """Gives the memory back to the budget. A second call does nothing."""


class _NoShare:
    """The share of a response whose memory no budget counts."""

    def give_back(self) -> None:
        """Does nothing: no budget counts this memory."""

    def __reduce__(self) -> str:
        return "NO_SHARE"


NO_SHARE: Share = _NoShare()
"""The share of responses made elsewhere: by a Fetcher of somebody else, by a test, or by unpickling."""


@quick
@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came over the wire: unparsed, its body still in its content codings.

    It takes memory of the budget for bodies until `release` is called. The crawl calls it when the visit is recorded.
    """

    url: Url
    """The URL that was fetched."""
    status: int
    """The HTTP status."""
    headers: tuple[tuple[bytes, bytes], ...]
    """Raw, in order of arrival."""
    body: bytes = b""
    """The body as it was sent, in its content codings."""
    ip: str = ""
    """The peer's address. Empty: it came through a proxy."""
    started_at: float = 0.0
    """Unix seconds when the exchange began."""
    timings: Timings = Timings()
    """How long each stage took."""
    tls: str = ""
    """`verified`, or `unverified` if the settings trust any certificate. Empty without TLS."""
    truncated: str = ""
    """Why the body is not whole (WARC 1.1, 5.13): `length`, it is larger than allowed. Empty: it is whole."""
    cipher: str = ""
    """The version and the cipher suite of TLS, `TLSv1.3 TLS_AES_256_GCM_SHA384`. Empty: no TLS, or it is not told."""
    heads: Heads = field(default=Heads(), repr=False)
    """The heads of the exchange as they were sent. Empty: the Fetcher does not tell them."""
    number: int = field(default=0, repr=False, compare=False)
    """The number of its request in the audit of requests (docs/proof.md). 0: it is not recorded there."""
    share: Share = field(default=NO_SHARE, repr=False, compare=False)
    """Its part of the budget for bodies. Copies made with `dataclasses.replace` have the same one."""
    rendered: Rendered | None = field(default=None, repr=False)
    """The document that scripts made of the answer. None: it was not rendered."""
    aside: str = field(default="", repr=False)
    """The purpose of an exchange that has no outcome of its own: `rendering`. Empty: it is no such one."""
    _names: list[bytes] = field(default_factory=list, init=False, repr=False, compare=False)
    """The names of the headers in lower case; empty until somebody asks for one. Copies make their own."""

    @classmethod
    def decoded(
        cls,
        url: Url | str,
        status: int,
        headers: Headers = (),
        body: bytes | str = b"",
        *,
        ip: str = "",
        tls: str = "",
        timings: Timings = Timings(),  # noqa: B008 - frozen
    ) -> Response:
        """Makes a response of what another HTTP client or a browser gives, whose body has no content coding any more.

        `headers` is a mapping or pairs, of str or bytes. Content-Encoding and Transfer-Encoding are left out, and
        Content-Length is that of `body`. A body of text is encoded as UTF-8, and Content-Type says so. `url` may be any
        http(s) URL: where a Fetcher returns the response, the crawl puts the URL of its request there. Raises
        ValueError for a URL or a status that is none, TypeError for headers and bodies of other types.
        """
        content = body.encode() if isinstance(body, str) else bytes(memoryview(body))
        if type(status) is bool or not 100 <= int(status) == status <= 999:
            raise ValueError(f"{status!r} is no HTTP status: it should be a whole number such as 200")
        fields = describe_decoded(make_pairs(headers), len(content), is_text=isinstance(body, str))
        place = _read_url(url) if isinstance(url, str) else url
        return cls(place, int(status), fields, content, ip, timings=timings, tls=tls)

    def release(self) -> None:
        """Gives its memory back to the budget for bodies. A second call does nothing. The body stays readable."""
        self.share.give_back()

    @property
    def text(self) -> str:
        """The body as text, by the charset in Content-Type, else UTF-8; what is not of it becomes U+FFFD.

        Raises ValueError for a body that is still in a content coding: `Crawl.decode` removes it.
        """
        if coding := self.header("content-encoding"):
            raise ValueError(f"the body is in the content coding {coding!r}: call crawl.decode(response) before")
        try:
            return self.body.decode(find_charset(self.header("content-type")), "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        """Returns the first value of the named header as latin-1 text, or an empty string."""
        names, wanted = self._names or self._lowered(), _lower(name)
        return self.headers[names.index(wanted)][1].decode("latin-1") if wanted in names else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Returns all values of the named header as latin-1 text, in order."""
        names, wanted = self._names or self._lowered(), _lower(name)
        return tuple(find_values(self.headers, name)) if wanted in names else ()

    def _lowered(self) -> list[bytes]:
        """Returns the names of the headers in lower case. They are made once, for a visit asks ten times."""
        if not self._names:
            self._names.extend([name.lower() for name, _ in self.headers])
        return self._names


@lru_cache(64)
def _lower(name: str) -> bytes:
    return name.lower().encode()


def _read_url(text: str) -> Url:
    """Returns the URL without its fragment. Its spelling may be another one than that of the crawl."""
    parts = urlsplit(text)
    if parts.scheme.lower() not in ("http", "https") or not parts.netloc or not text.isascii():
        raise ValueError(f"{text!r} is no http(s) URL")
    query = f"?{parts.query}" if parts.query else ""
    return Url(f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path or '/'}{query}")
