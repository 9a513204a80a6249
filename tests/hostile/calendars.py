"""Sites without end whose pages show pictures, count visitors, or name an end that moves away."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import blake2b

from crawler.model import Url
from tests.hostile.finite import FRAME, TODAY

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June",
          "July", "August", "September", "October", "November", "December")  # fmt: skip


def _random(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=5).digest(), "big")


def _last(url: Url, default: int) -> int:
    digits = url.path.rpartition("=")[2].rpartition("/")[2]
    return int(digits) if digits.isdigit() else default


def _month(at: int, links: str, *shows: str) -> str:
    cells = "".join(f"<td>{day}" for day in range(1, 29 + at % 3))
    title = f"{MONTHS[at % 12]} {at // 12}"
    heads = "".join(f"<th>{day}" for day in DAYS)
    return f"<title>{title}</title>{FRAME}<h1>{title}</h1><table>{heads}{cells}</table>{' '.join(shows)}{links}"


def _near(prefix: str, at: int, *steps: int) -> str:
    return "".join(f'<a href="{prefix}{at + step}">{MONTHS[(at + step) % 12]}</a> ' for step in steps or (-1, 1))


def pictures_of_days(url: Url) -> str:
    """Months with a picture for each day of a month, and the days, each with its own."""
    at = _last(url, TODAY.year * 12)
    if url.path.startswith("/day"):
        month, day = map(int, url.path.split("/")[2:])
        on = f'<a href="/month/{month}">month</a>'
        return f"{FRAME}<h1>{day} {MONTHS[month % 12]} {month // 12}</h1><img src=/img/{day}.png>No events.{on}"
    days = "".join(f'<a href="/day/{at}/{day}"><img src="/img/{day}.png"></a>' for day in range(1, 29))
    return _month(at, _near("/month/", at), days)


def picture_of_a_date(url: Url) -> str:
    """Each day has a picture of its own."""
    parts = url.path.split("/")[2:]
    day = date(*map(int, parts)) if len(parts) == 3 else TODAY
    links = ""
    for step in (1, -1, 7, 365):
        then = day + timedelta(step)
        links += f'<a href="/events/{then.year}/{then.month}/{then.day}">{DAYS[then.weekday()]}</a> '
    title = f"{DAYS[day.weekday()]}, {MONTHS[day.month - 1]} {day.day}, {day.year}"
    return f"<title>{title}</title>{FRAME}<h1>{title}</h1><img src=/img/{day:%Y-%m-%d}.png>No events.{links}"


def next_day(url: Url) -> str:
    """The same, one day after the other."""
    parts = url.path.split("/")[2:]
    day = date(*map(int, parts)) if len(parts) == 3 else TODAY
    then = day + timedelta(1)
    on = f'<a href="/day/{then:%Y-%m-%d}">next</a>'
    return f"{FRAME}<h1>{day:%d.%m.%Y}</h1><img src=/img/{day:%Y%m%d}.png>{on}" if parts else on


def next_days(url: Url) -> str:
    return f"{next_day(Url(url.text.replace('-', '/')))}"


def picture_of_a_month(url: Url) -> str:
    """Each month has a picture of its own, and a leaf to print."""
    at = _last(url, 24240)
    shown = f"<img src=/img/{at}.png><img src=/img/{at // 12}-{at % 12 + 1:02}.png><a href=/print/{at}.pdf>print</a>"
    return _month(at, _near("/calendar?month=", at), shown)


def today(url: Url) -> str:
    """Every month leads to that of today, and a year ahead."""
    at = _last(url, 24240)
    return _month(at, _near("/calendar?month=", at, -1, 1, 12) + '<a href="/calendar?month=24312">Today</a>')


def visitors(url: Url) -> str:
    """A month says how many came to see it, and how long it took to make."""
    at, count = _last(url, 24240), _random(url.text)
    said = f"<p>You are visitor {count % 10**6 + 10**5}.<p>Made in 0.{count % 8999 + 1000} seconds."
    return _month(at, _near("/calendar?month=", at), said)


def moving_end(url: Url) -> str:
    """Page 17 of 18; then there are 19."""
    at = _last(url, 1)
    return f'{FRAME}Page {at} of {at + 1}<a href="/list?page={at + 1}">next</a>'


def moving_last(url: Url) -> str:
    """Ten pages are named at a time, and the items of each."""
    at = _last(url, 1)
    block = range((at - 1) // 10 * 10 + 1, (at - 1) // 10 * 10 + 12)
    links = "".join(f'<a href="/list?page={n}">{n}</a> ' for n in block)
    return f"{FRAME}Items {20 * at - 19} to {20 * at} of many, page {at} of {block[-1]} {links}"


def pixels(url: Url) -> str:
    """Each page has pixels that count visitors, and pictures whose names are broken for caches."""
    at, some = _last(url, 0), _random(url.text)
    shown = f"<img src=/pixel.gif?r={some}><img src=/logo.png?v={some}><img src=/t/{some}.gif width=1 height=1>"
    return f'{FRAME}{shown}<img src="//stats.example/track/{some}/x.gif"><a href="/on/{at + 1}">on</a>'


def sessions(url: Url) -> str:
    """A session id in each path, that of pictures too; and three pages, says each."""
    own = url.path.split("/")[1] or "none"
    links = "".join(f'<a href="/s{_random(url.text + str(i)):x}/page/{i}">{i}</a>' for i in (1, 2, 3))
    return f'{FRAME}Page {_last(url, 1)} of 3 <img src="/{own}/logo.png"><img src="head.png">{links}'


def book(url: Url) -> str | None:
    """A book without end among others that have pictures."""
    if url.path == "/":
        return FRAME + "".join(f'<li><a href="/book/{n}/page/1">{n}</a>' for n in range(1, 9))
    number, at = int(url.path.split("/")[2]), _last(url, 1)
    shown = "" if number == 3 else f"<img src=/scan/{number}/{at}.jpg>"
    return f'{FRAME}{shown}<a href="/book/{number}/page/{at + 1}">next</a>' if number == 3 or at < 150 else FRAME


CALENDARS = {
    "a calendar, pictures of days": (pictures_of_days, "http://trap.example/"),
    "a calendar, a picture for each date": (picture_of_a_date, "http://trap.example/events"),
    "the same, one day after the other": (next_days, "http://trap.example/day"),
    "a calendar, a picture for each month": (picture_of_a_month, "http://trap.example/calendar"),
    "a calendar that leads to today": (today, "http://trap.example/calendar"),
    "a calendar that counts visitors": (visitors, "http://trap.example/calendar"),
    "a pager whose end moves": (moving_end, "http://trap.example/list"),
    "a pager whose end moves by ten": (moving_last, "http://trap.example/list"),
    "pixels, and names broken for caches": (pixels, "http://trap.example/on/0"),
    "a session id in each path, and in pictures": (sessions, "http://trap.example/"),
    "a book without end, beside seven of 150 pages": (book, "http://trap.example/"),
}
