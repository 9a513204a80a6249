"""Declares the settings of what is taken out of pages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .table import ForJobs, Table

MOST_FIELDS = 100
"""Most fields; each costs a worker time on each page."""
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=60)]
Selector = Annotated[str, Field(min_length=1, max_length=2000)]


class ExtractConfig(Table):
    """Texts of pages, where an output asks for them (`--text`, `--markdown`), and values that your function finds."""

    part: ForJobs[Literal["main", "page"]] = "main"
    """The part of a page that text and markdown are made of: `main`, without menus, footers and asides, or `page`, all
    that a reader sees (docs/extraction.md)."""
    quality: ForJobs[Literal["fast", "best"]] = "fast"
    """How the main part is found: `fast` takes 0.6 ms a page; `best` asks trafilatura, which takes 15 ms and the extra
    `extract` (`pip install 'crawld[extract]'`)."""
    pdf: ForJobs[bool] = False
    """Read PDF files: their text, where outputs have texts, their links, and facts such as pages and author, in the
    field `pdf` of records. It takes the extra `pdf` (`pip install 'crawld[pdf]'`)."""
    fields: ForJobs[Annotated[dict[FieldName, Selector], Field(max_length=MOST_FIELDS)]] = Field(default_factory=dict)
    """Values that selectors take out of each page, by names of your choice, for the field `fields` of records:
    `price = "css:.price as number"`, `sku = "jsonld:Product.sku"` (docs/extraction.md)."""
    function: str = ""
    """A parse function of yours, as `module:function`, which the workers import; its result is the field `data` of
    records (docs/parsing.md). The module may stand in the folder where the command is called. Empty: none."""
