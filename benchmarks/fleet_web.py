"""The simulated web for many nodes: small hosts that link to each other, some of which no seed names.

It keeps an account of its own: what each host saw, and which pages there are.
"""

from __future__ import annotations

from array import array
from itertools import accumulate

from benchmarks.simulated_web import Kind, SimulatedWeb, _host, _mix, _number
from crawler import urls
from crawler.frontier.sharded.holding import MARGIN
from crawler.model import Disposition, Lease, Links, Outcome, Page, Reason, Request, Response, Url

HIDDEN = 10
"""One of so many hosts is named by no seed: two others link to it."""
MOST_PAGES = 6
POWER = 1.5
ASKED_S, DEAD_S, SLOW_S, HOLD_S = 5.0, 6.0, 4.0, 20.0
KINDS = tuple(Kind)
RETRIES, RETRY_S = 3, 10.0
LONGEST_S = 2.0
ROUNDED_S = 0.001
"""Stored times are rounded."""
TTL_S = 15.0
LONGEST_REST_S = ASKED_S


class FleetWeb(SimulatedWeb):
    """Hosts by number. All pages of all hosts can be reached."""

    def __init__(self, hosts: int, key: bytes, *, delay_s: float, per_ip: int, seed: int = 7) -> None:
        super().__init__(hosts, key, delay_s=delay_s, per_ip=per_ip, seed=seed)
        self._kinds = bytes(KINDS.index(self._kind_of(host)) for host in range(hosts))
        self.first = array("l", accumulate((self._pages(host) for host in range(hosts)), initial=0))
        """By host: the number of its first page."""
        self.answered_s = 0.0
        """Seconds for which visits were under way, of all that have begun."""
        self.last_end = 0.0
        self._known_by = array("l", bytes(8 * hosts))
        """By host: the life of a node that had an answer from it last, and so knows its address."""
        self._asked_by = array("l", bytes(8 * hosts))
        self._asked_at = array("d", bytes(8 * hosts))
        self._held: dict[int, tuple[int, float]] = {}
        """By host: the life that heard until when the host is to be left alone, and has not stored it yet."""
        self.leases: dict[int, float] = {}
        """By life: when it ends by the last beat that the engine took."""
        self.overlaps = 0
        """Requests to hosts where one of a node without a lease was still under way, or had just ended, which it had
        begun in time: nothing can take it back."""

    @property
    def pages(self) -> int:
        return self.first[-1]

    def number(self, text: str) -> int:
        """Returns the number of a page, unique on this web."""
        return self.first[int(text[8:].partition(".")[0])] + _number(text)

    def page(self, number: int) -> str:
        """Returns the URL of a page."""
        host = next(host for host, first in enumerate(self.first) if first > number) - 1
        tail = number - self.first[host]
        return f"http://h{host}.test/" + (f"page/{tail}" if tail else "")

    def seeds(self) -> list[Request]:
        return [Request(Url(f"http://h{host}.test/")) for host in range(self._hosts) if not self._is_hidden(host)]

    def _is_hidden(self, host: int) -> bool:
        return host % HIDDEN == HIDDEN - 1

    def kind(self, host: int) -> Kind:
        return KINDS[self._kinds[host]]

    def _kind_of(self, host: int) -> Kind:
        kind = super().kind(host)
        is_dull = kind is Kind.ENDLESS or (kind is Kind.DEAD and self._links_on(host))
        return Kind.PLAIN if is_dull else kind

    def _links_on(self, host: int) -> bool:
        """Whether a hidden host is found here."""
        return self._hidden_from(host) is not None

    def _hidden_from(self, host: int) -> int | None:
        """Returns the hidden host to which the first page of a host leads."""
        if host % HIDDEN not in (2, 5):
            return None
        hidden = host - host % HIDDEN + HIDDEN - 1
        return hidden if hidden < self._hosts else None

    def _pages(self, host: int) -> int:
        return 1 if self.kind(host) is Kind.DEAD else self.size(host)

    def size(self, host: int) -> int:
        chance = (_mix(host, self._seed + 1) + 1) / (2**32 + 1)
        return min(MOST_PAGES, int(chance ** (-1 / POWER)))

    # -- visits ------------------------------------------------------------------------------------------------------

    def begin_for(self, life: int, lease: Lease, now: float) -> float:
        """Takes a request of one life of a node, as `begin` does."""
        host = _host(lease)
        self._is_known[host] = self._known_by[host] == life
        before, is_busy = self.account.breaches.copy(), bool(self._busy[host])
        usual = super().begin(lease, now + ROUNDED_S)
        kind = self.kind(host)
        if host in self._held and self._held[host][0] == life and now + ROUNDED_S < self._held[host][1]:
            self.account.breaches["told to wait"] += 1
        if self.account.breaches != before and self._is_excused(host, life, is_busy):
            self.account.breaches = before
            self.overlaps += 1
        self._asked_by[host], self._asked_at[host] = life, now
        answer_s = DEAD_S if kind is Kind.DEAD else SLOW_S if kind is Kind.SLOW else min(LONGEST_S, usual)
        self.answered_s += answer_s
        return answer_s

    def _is_excused(self, host: int, life: int, is_busy: bool) -> bool:
        """Whether the request before was begun by another node within its lease, and ended when that was over."""
        other, began = self._asked_by[host], self._asked_at[host]
        ends = self.leases.get(other, 0.0)
        return (
            other != life and began < ends - MARGIN * TTL_S and (is_busy or self._free_at[host] > ends - LONGEST_REST_S)
        )

    def note_stored(self, outcome: Outcome) -> None:
        """Holds everyone to what a host asked for, now that the engine has it."""
        host = _host(outcome.lease)
        if held := self._held.pop(host, None):
            self._free_at[host] = max(self._free_at[host], held[1])

    def end_for(self, life: int, lease: Lease, now: float) -> Outcome:
        """Answers it."""
        host, request = _host(lease), lease.request
        kind = self.kind(host)
        self._note_end(host)
        self.last_end = now
        if kind is Kind.DEAD:
            return self._refuse(lease, Reason.CONNECT, self._delay_s, now, life)
        if kind is Kind.BUSY and request.attempt == 1:
            return self._refuse(lease, Reason.RATE_LIMITED, HOLD_S, now, life)
        rest_s = ASKED_S if kind is Kind.ASKS else self._delay_s
        self._free_at[host] = now + rest_s
        self._known_by[host] = life
        self._held.pop(host, None)
        page = Page(
            self.number(request.url.text).to_bytes(32, "little"), length=30_000, kind="html",
            news=self._found(host, request), gist=self.number(request.url.text) + 1,
        )  # fmt: skip
        response = Response(request.url, 200, (), ip=self._ip(host))
        asked_s = rest_s if kind is Kind.ASKS else 0.0
        return Outcome(
            lease, Disposition.FETCHED, response=response, page=page, rest_s=rest_s, asked_s=asked_s, ended=now
        )

    def break_off(self, lease: Lease, now: float) -> None:
        """Sees the connection of a visit close before it has answered."""
        host = _host(lease)
        self._note_end(host)
        self._free_at[host] = max(self._free_at[host], now)

    def _note_end(self, host: int) -> None:
        if self._busy[host] & 2:
            self._at_address[self.address(host)] -= 1
        self._busy[host] = 0

    def _refuse(self, lease: Lease, reason: Reason, rest_s: float, now: float, life: int) -> Outcome:
        self._free_at[_host(lease)] = now + self._delay_s
        self._held[_host(lease)] = life, now + rest_s
        is_last = lease.request.attempt >= RETRIES
        disposition = Disposition.FAILED if is_last else Disposition.DEFERRED
        retry_in_s = None if is_last else max(RETRY_S, rest_s)
        return Outcome(lease, disposition, reason, "no luck", retry_in_s=retry_in_s, rest_s=rest_s, ended=now)

    def _found(self, host: int, request: Request) -> Links:
        number = _number(request.url.text)
        first = 2 * number + 1
        texts = [f"http://h{host}.test/page/{one}" for one in range(first, min(first + 2, self.size(host)))]
        if not number and (hidden := self._hidden_from(host)) is not None:
            texts.append(f"http://h{hidden}.test/")
        prints = b"".join(urls.fingerprint(text, self._key).to_bytes(8, "little") for text in texts)
        return Links("\n".join(texts), prints)
