"""Whether the process was away is judged while somebody watches, and for all who share one presence."""

from __future__ import annotations

from crawler.runtime.presence import Presence


class HandClock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_where_nobody_watches_there_is_no_absence() -> None:
    presence = Presence(clock := HandClock())
    clock.now += 60
    assert presence.beat() == 0
    clock.now += 60
    with presence.watch():  # time before it was watched does not count
        assert presence.beat() == 0
        clock.now += 60
        with presence.watch():  # a second crawl begins before anyone noticed
            assert presence.beat() == 1
        clock.now += 60
        assert presence.beat() == 2
