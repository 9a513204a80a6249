"""The parts of aiohttp that `fetch/` uses although aiohttp does not document them are there, and take what we give.

`make canary` runs this first, on the newest aiohttp. docs/fetching.md says what each part is used for.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientRequest, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_parser import HttpResponseParser, RawResponseMessage
from aiohttp.streams import DataQueue, StreamReader
from yarl import URL

from crawler.fetch.connector import Connector
from crawler.fetch.proxies import SocksConnector
from crawler.fetch.wire import Wire

FETCH = Path(__file__).parent.parent.parent / "crawler/fetch"
DOCUMENT = FETCH.parent.parent / "docs/fetching.md"
SECTION = "aiohttp's private parts"

OVERRIDDEN = ("connection_made", "connection_lost", "data_received", "feed_data", "set_exception", "close")
"""Methods of ResponseHandler that aiohttp calls, and that a Wire takes for itself."""

CALLED = {
    ResponseHandler: "abort force_close pause_reading resume_reading read transport connected should_close "
    "set_response_params",
    DataQueue: "read",
    StreamReader: "read_nowait readany wait_eof is_eof exception set_exception total_bytes",
    TCPConnector: "connect _wrap_create_connection _wrap_existing_connection",
    Connection: "protocol close release",
    ClientRequest: "connection_key",
    HttpResponseParser: "feed_eof",
}
"""What we call or read. The annotations of a class count as names of it."""

KEPT = {"_payload": None, "_parser": None, "_exception": None, "_reading_paused": False}
"""Fields of a new ResponseHandler, with their first values."""

ARGUMENTS = {
    ResponseHandler.set_response_params: "auto_decompress read_until_eof read_bufsize max_line_size max_field_size "
    "max_headers",
    TCPConnector.__init__: "resolver use_dns_cache limit keepalive_timeout socket_factory",
    TCPConnector.connect: "req traces timeout",
    TCPConnector._wrap_create_connection: "addr_infos req client_error",
    TCPConnector._wrap_existing_connection: "req",
    ClientRequest.__init__: "method url loop proxy ssl",
}

MESSAGE = ("version", "code", "headers", "raw_headers", "chunked")
"""The fields that we read of the head of an answer."""


def test_every_class_has_the_names_that_we_use() -> None:
    async def ask() -> list[str]:
        alive: dict[type, object] = {
            ResponseHandler: ResponseHandler(asyncio.get_running_loop()),
            TCPConnector: TCPConnector(),
            ClientRequest: ClientRequest("GET", URL("http://a.example/"), loop=asyncio.get_running_loop()),
        }
        missing = [
            f"{owner.__name__}.{name}"
            for owner, names in CALLED.items()
            for name in names.split()
            if not hasattr(alive.get(owner, owner), name) and name not in _slots(owner)
        ]
        missing += [f"ResponseHandler.{name}" for name in OVERRIDDEN if not hasattr(ResponseHandler, name)]
        missing += [f"RawResponseMessage.{name}" for name in MESSAGE if not hasattr(RawResponseMessage, name)]
        await alive[TCPConnector].close()  # type: ignore[attr-defined]
        return missing

    assert asyncio.run(ask()) == []


def test_a_new_connection_has_the_fields_that_we_read() -> None:
    async def ask() -> dict[str, object]:
        fresh = ResponseHandler(asyncio.get_running_loop())
        return {name: getattr(fresh, name, "missing") for name in KEPT}

    assert asyncio.run(ask()) == KEPT


def test_the_pool_makes_its_connections_with_a_factory_that_can_be_replaced() -> None:
    async def ask() -> tuple[bool, bool]:
        pool = TCPConnector()
        is_there = callable(getattr(pool, "_factory", None)) and getattr(pool, "_loop", None) is not None
        made = pool._factory() if is_there else None
        await pool.close()
        return is_there, isinstance(made, ResponseHandler)

    assert asyncio.run(ask()) == (True, True)


@pytest.mark.parametrize("function", ARGUMENTS, ids=lambda function: str(function.__qualname__))
def test_every_function_takes_the_arguments_that_we_give(function: Callable[..., object]) -> None:
    taken = inspect.signature(function).parameters
    accepts_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values())
    missing = [name for name in ARGUMENTS[function].split() if name not in taken and not accepts_all]
    assert missing == []


def test_every_private_name_of_aiohttp_that_our_connections_touch_is_listed() -> None:
    listed = {*KEPT, "_factory", "_loop", *" ".join(CALLED.values()).split()}
    touched = {*_touched("wire.py", "Wire", ResponseHandler), *_touched("connector.py", "Connector", TCPConnector)}
    touched |= {*_touched("proxies.py", "SocksConnector", TCPConnector)}
    assert touched - listed == set()
    assert touched >= {"_payload", "_parser", "_exception", "_factory", "_wrap_existing_connection"}
    assert issubclass(Wire, ResponseHandler)
    assert issubclass(SocksConnector, Connector)


def test_the_document_names_every_private_part() -> None:
    section = DOCUMENT.read_text().split(f"\n## {SECTION}\n", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"`(\w+)`", section))
    assert {*KEPT, "_factory", *OVERRIDDEN, *" ".join(CALLED.values()).split(), *MESSAGE} - named == set()
    assert {owner.__name__ for owner in CALLED} - named == set()


def _touched(file: str, name: str, theirs: type) -> Iterator[str]:
    """Yields the private names that a class of ours reads of itself and did not make itself."""
    tree = ast.parse((FETCH / file).read_bytes())
    (ours,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    used = [node for node in ast.walk(ours) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"]
    made = {node.attr for node in used if isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in ours.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    is_theirs = {"_factory", *(name for base in theirs.__mro__ for name in vars(base))}
    for node in used:
        if node.attr.startswith("_") and (node.attr not in made or node.attr in is_theirs):
            yield node.attr


def _slots(owner: type) -> set[str]:
    return {name for base in owner.__mro__ for name in (*getattr(base, "__annotations__", ()), *_own_slots(base))}


def _own_slots(owner: type) -> tuple[str, ...]:
    slots = vars(owner).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
