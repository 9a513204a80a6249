"""The connection of a node to the server of its engine, when it breaks."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import pytest

from crawler import FrontierError
from crawler.backends.postgres.link import Link
from tests.postgres import Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


@pytest.mark.parametrize("error", [asyncpg.InternalClientError, asyncpg.InterfaceError, ConnectionResetError])
async def test_work_is_done_again_on_another_connection_where_the_client_lost_its_state(
    server: Server, error: type[Exception]
) -> None:
    await server.ask("SELECT 1")
    link = Link(server.url, patience_s=20.0)
    used: list[int] = []

    async def work(connection: asyncpg.Connection) -> int:
        used.append(connection.get_server_pid())
        if len(used) == 1:
            raise error("cannot switch to state 11; another operation (2) is in progress")
        return int(await connection.fetchval("SELECT 7"))

    try:
        assert await link.work(work) == 7
        assert len(set(used)) == 2
    finally:
        await link.close()


async def test_a_connection_that_breaks_for_good_is_said_in_words_that_help(server: Server) -> None:
    await server.ask("SELECT 1")
    link = Link(server.url, patience_s=0.0)

    async def work(connection: asyncpg.Connection) -> int:
        connection.terminate()
        return int(await connection.fetchval("SELECT 7"))

    with pytest.raises(FrontierError, match="broke off the connection: see that the server runs"):
        await link.work(work)
    await link.close()
