"""Declares the settings of rendering."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .table import ForJobs, Size, Table


class RenderConfig(Table):
    """Pages that scripts make, rendered by the machine's own Chromium (docs/rendering.md)."""

    mode: Literal["never", "auto", "always"] = "never"
    """Which pages are rendered: none, those that seem empty without their scripts (auto), or every HTML page."""
    browser: str = ""
    """The Chromium to use, a path or the name of a program. Empty: the one that is found. None is ever downloaded."""
    pages_at_once: Annotated[int, Field(ge=1, le=64)] = 4
    """Most pages that are rendered at a time. Each takes some 50 MB, and the browser itself 250."""
    page_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Time for one page. Waits for the turns of sites do not count. A page that takes longer is taken as it is then."""
    settle_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    """Longest wait, once a page is loaded, for it to stop asking for more."""
    max_page_requests: Annotated[int, Field(ge=0, le=10_000)] = 200
    """Most requests that one page may make; all further ones fail."""
    tab_memory_bytes: Annotated[Size, Field(ge=64 << 20)] = 512 << 20
    """Memory that one page may take. A page that takes more is ended, and recorded as it was without its scripts."""
    browser_memory_bytes: Annotated[Size, Field(ge=256 << 20)] = 1 << 30
    """Memory of the browser from which on it is replaced by a new one."""
    browser_pages: Annotated[int, Field(ge=1)] = 500
    """Pages after which the browser is replaced by a new one."""
    scroll: ForJobs[bool] = False
    """Scroll each page to its end, again and again while that brings more."""
    load_more: ForJobs[Annotated[str, Field(max_length=500)]] = ""
    """Press the button that loads more while that brings more: `auto` finds it by its words, a CSS selector names it.
    Empty: press none."""
    reject_consent: ForJobs[bool] = False
    """Press the button of a consent wall that refuses, if the wall has one. None is ever accepted or removed."""
    state_links: ForJobs[Annotated[int, Field(ge=0, le=1000)]] = 0
    """Most links to other states of a page (`#/about`, tabs) that are pressed, to find the links that it has there."""
    most_steps: ForJobs[Annotated[int, Field(ge=1, le=10_000)]] = 50
    """Most times that one page is scrolled to its end or asked for more."""
