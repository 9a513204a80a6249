"""Makes the input of a parse function without a crawl, for tests of that function."""

from __future__ import annotations

from .. import urls
from ..model import Request, Response
from ..parse import Content, make_document, parse
from ..settings import Config
from . import parts


def make_content(response: Response, request: Request | None = None, config: Config | None = None) -> Content:
    """Returns what a parse function gets of a response, read as a crawl reads it. It takes no worker and may block.

    `Response.decoded(url, 200, {}, "<h1>Tea</h1>")` makes a response of a text. `request` is the one that brought it,
    with label and data; None: a plain one for its URL. `config`: the settings that it is read with; None: the defaults.
    Raises ParseError for a body that no parse function would get, UrlError for a request that a crawl would not send.
    """
    request = urls.check_request(request or Request(response.url))
    config, got = config or Config(), list[Content]()
    job = parts.job(config, parts.scope(config), b"contents", got.append)
    parse(make_document(request, response, is_for_function=True), job)
    return got[0]
