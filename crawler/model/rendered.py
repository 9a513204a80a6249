"""A page as a browser made it of an answer."""

from __future__ import annotations

from enum import StrEnum

from ..dataclass import dataclass
from .quick import quick


class RenderedFor(StrEnum):
    """Why a page was rendered: a closed list whose words never change. docs/rendering.md explains each."""

    ASKED = "asked"
    FEW_WORDS = "few-words"
    EMPTY_MOUNT = "empty-mount"
    PATTERN = "pattern"


VIEWS = {"screenshot": "image/png", "print": "application/pdf"}
"""Views of rendered pages, and the types of their files."""


@quick
@dataclass(frozen=True, slots=True)
class Rendered:
    """The document that scripts made of an answer, or why there is none."""

    why: RenderedFor
    """Why the page was rendered."""
    html: bytes = b""
    """The document as HTML in UTF-8, with open shadow roots as templates. Empty: rendering failed."""
    trouble: str = ""
    """Why it failed, in words. Empty: it did not."""
    note: str = ""
    """A message for a person, such as that loading was cut off."""
    moved_to: str = ""
    """The URL that a script of the page went on to, as it was written. It is not followed here, but a link."""
    led_to: tuple[str, ...] = ()
    """Further links of the page that the document no longer has, or has in another state."""
    screenshot: bytes = b""
    """A picture of the whole page as PNG. Empty: none was asked for, or taken."""
    print: bytes = b""
    """The page as PDF. Empty: none was asked for, or made."""
    requests: int = 0
    """How many requests the page made that were answered by its sites."""
    elapsed_ms: float = 0.0
    """How long it took, with the waits for a free place and for the turns of sites."""
