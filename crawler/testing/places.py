"""Gives every site of a fake web an address and a port on loopback, and opens the sockets.

On Linux all of 127.0.0.0/8 is this machine, so each site gets its own address and all share one port. On other systems
only 127.0.0.1 answers, so the sites get different ports there.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from crawler.testing.web import Site

ONLY_ADDRESS = "127.0.0.1"
BACKLOG = 4096  # thousands of connections may arrive in one instant
PORT_ATTEMPTS = 20  # a port that is free on the first address may be taken on another
_SITES_PER_BLOCK = 250

Place = tuple[str, int]


def open_places(sites: Sequence[Site], port: int, by_name: bool) -> tuple[dict[str, Place], list[socket.socket]]:
    """Opens listening sockets, and returns the (address, port) of every site by its host, and the sockets.

    With `by_name` sites differ by name, so that those on one address share its port; otherwise each needs its own pair.
    Port 0 picks a free one. Raises OSError if the port is taken.
    """
    wanted = _plan(sites, by_name)
    for attempt in range(PORT_ATTEMPTS if port == 0 else 1):
        try:
            sockets = _listen(sorted(set(wanted.values())), port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port != 0 or attempt == PORT_ATTEMPTS - 1:
                raise
        else:
            return {host: sockets[spot].getsockname()[:2] for host, spot in wanted.items()}, list(sockets.values())
    raise AssertionError("unreachable")


def has_many_addresses() -> bool:
    """Whether loopback has more than one address here."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.1.1", 0))
        except OSError:
            return False
    return True


def _plan(sites: Sequence[Site], by_name: bool) -> dict[str, tuple[int, str]]:
    """Returns (rank, address) for each host. Sites of one rank share one port."""
    is_wide = has_many_addresses()
    used: Counter[str] = Counter()
    wanted = {}
    for number, site in enumerate(sites):
        address = (site.address or _literal(site.host) or _own_address(number)) if is_wide else ONLY_ADDRESS
        wanted[site.host] = (0 if by_name else used[address], address)
        used[address] += 1
    return wanted


def _own_address(number: int) -> str:
    return f"127.0.{1 + number // _SITES_PER_BLOCK}.{1 + number % _SITES_PER_BLOCK}"


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        return None


def _listen(spots: Sequence[tuple[int, str]], port: int) -> dict[tuple[int, str], socket.socket]:
    """Opens a socket for each spot: rank 0 on `port`, or if it is 0, all on the free port of the first one."""
    with ExitStack() as undo:
        sockets: dict[tuple[int, str], socket.socket] = {}
        for rank, address in spots:
            sockets[rank, address] = opened = undo.enter_context(socket.socket())
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((address, port if rank == 0 else 0))
            opened.listen(BACKLOG)
            port = port or opened.getsockname()[1]
        undo.pop_all()
        return sockets
