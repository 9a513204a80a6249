"""Measures what a page of the dashboard looks like: what is cut or overlaps, what is hard to read, what moves."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

SCRIPT = Path(__file__).with_suffix(".js").read_text()

LEAST_CONTRAST = 4.5
"""Of text, by WCAG 2.2 AA."""


async def measure(page: Page) -> list[str]:
    """What is cut, lies out of the page, or overlaps."""
    found: list[str] = await page.evaluate(f"({SCRIPT}).measure()")
    return found


async def read_contrast(page: Page) -> list[str]:
    """Text whose contrast to what is behind it is too low, with the ratio."""
    found: list[str] = await page.evaluate(f"({SCRIPT}).contrast({LEAST_CONTRAST})")
    return found


async def find_movement(page: Page) -> list[str]:
    """Elements that move although the system asks for less movement."""
    found: list[str] = await page.evaluate(f"({SCRIPT}).moving()")
    return found


async def find_unseen_focus(page: Page, most: int = 60) -> list[str]:
    """Elements reached with Tab that do not show it."""
    unseen = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        name, is_seen = await page.evaluate(f"({SCRIPT}).focus()")
        if not name:
            break
        if not is_seen:
            unseen.append(name)
    return unseen
