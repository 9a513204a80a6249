"""Tells systemd the state of the daemon (sd_notify(3)): ready, reloading, stopping, alive."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

STOPPING, ALIVE = "STOPPING=1", "WATCHDOG=1"


class Notify:
    """Sends messages to systemd. Sends none without NOTIFY_SOCKET, and ignores a supervisor that is gone."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address  # Linux' abstract sockets
        self.every_s: float | None = _half(environ)
        """Seconds between two signs of life: half the watchdog's time. None: there is no watchdog."""

    def tell(self, *said: str) -> None:
        """Sends assignments of sd_notify(3), each on one line."""
        if not self._address:
            return
        text = "\n".join(line.replace("\n", " ") for line in said)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            try:
                sock.sendto(text.encode(errors="replace"), self._address)
            except OSError:
                pass

    def ready(self) -> None:
        """Says that the daemon has started, or has reloaded its settings."""
        self.tell("READY=1")

    def reloading(self) -> None:
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def _half(environ: Mapping[str, str]) -> float | None:
    """Returns half of WATCHDOG_USEC in seconds, if it is meant for this process (sd_watchdog_enabled(3))."""
    text, meant = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(os.getpid()))
    return int(text) / 2e6 if text.isdigit() and int(text) and meant == str(os.getpid()) else None
