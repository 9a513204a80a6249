"""Tells which throttles the connections of one fetcher go through: its own, one of all crawls, one of each site."""

from __future__ import annotations

from .throttle import SiteThrottles, Throttle, make_throttle


class SpeedLimits:
    """The throttles of one fetcher."""

    def __init__(self, bytes_per_s: float | None, of_all: Throttle | None, of_sites: SiteThrottles) -> None:
        """`of_all` and `of_sites` may be shared with other fetchers."""
        self.own: Throttle = make_throttle(bytes_per_s)
        self._of_sites = of_sites
        self._common = (self.own,) if of_all is None else (self.own, of_all)

    @property
    def are_used_up(self) -> bool:
        """Whether the rate of all sites together is used up now, so that connections wait."""
        return any(throttle.is_used_up for throttle in self._common)

    def find(self, site: str, bytes_per_s: float | None) -> tuple[Throttle, ...]:
        """Returns the throttles of a site. `bytes_per_s` is the rate that its settings name."""
        if bytes_per_s is None:
            return self._common
        return (*self._common, self._of_sites.claim(site, self, bytes_per_s))

    def forget_sites(self) -> None:
        """Takes the rates of all sites back; `find` claims those that are still named."""
        self._of_sites.drop(self)

    def close(self) -> None:
        """Lets all connections go."""
        self.own.close()
        self.forget_sites()
