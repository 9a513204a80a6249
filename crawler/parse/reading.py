"""Defines the result of reading a body, before links are resolved or judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from ..dataclass import dataclass
from ..model import LeftOut
from .job import ParseJob

if TYPE_CHECKING:
    import turbohtml

    from .facts import Facts
    from .shell import Look


@dataclass(slots=True)
class Reading:
    """The result of reading a body. All fields are empty if there was nothing to read."""

    charset: str = ""
    title: str = ""
    description: str = ""
    language: str = ""
    canonical: str = ""
    """The canonical link as written, relative to `base`."""
    refresh: str | None = None
    """The target of a refresh as written; empty for the page itself, None without a refresh."""
    base: str = ""
    """The absolute URL that hrefs are relative to; empty for the document's own URL."""
    hrefs: list[str] = field(default_factory=list)
    """Links of the kinds that the crawl follows, as written, in document order within each kind."""
    priorities: list[int] = field(default_factory=list)
    """For sitemaps only: the priority of the request for each href, 0 if unknown."""
    modified: list[int] = field(default_factory=list)
    """For sitemaps only: the last change of each href in Unix seconds, 0 if unknown."""
    directives: list[str] = field(default_factory=list)
    """Directives for robots that concern us: contents of robots metas and X-Robots-Tags."""
    tdm: str = ""
    """The reservation of text and data mining that the page states in a meta (TDMRep); empty: none."""
    words: str = ""
    """The text that a person would read, roughly: good enough to compare pages."""
    spaced: str = ""
    """The same text with blanks between elements, which separates numbers in cells of a table. Empty if too costly."""
    media: list[str] = field(default_factory=list)
    """Pictures, recordings, embedded documents and downloads as written, whether followed or not."""
    requisites: list[str] = field(default_factory=list)
    """URLs of what it needs to be shown, as written. Filled only on request."""
    text: str = ""
    """The text that a person would read, with its layout. Filled only on request."""
    markdown: str = ""
    """The same as markdown. Filled only on request."""
    main_text: str = ""
    """The text of the part that the record keeps, also if it keeps only the markdown. Filled where that is made."""
    text_from: str = ""
    """The part that both are made of, see `main_text`; empty: nothing was chosen."""
    metadata: Mapping[str, object] | None = None
    """Statements of the page about itself, see `metadata`. Filled only on request."""
    structured: Mapping[str, object] | None = None
    """Its structured data, see `embedded`. Filled only on request."""
    fields: Mapping[str, object] | None = None
    """The values of `extract.fields` by name, see `selecting`. Filled only on request."""
    fields_found: int = 0
    """A bit for each of these fields that has a value."""
    fields_unread: int = 0
    """A bit for each one whose place was found, but no value of its type."""
    link_texts: list[tuple[str, str]] = field(default_factory=list)
    """Its anchors as written, each with its text. Filled only on request."""
    note: str = ""
    """A remark for people, such as why the rest was not read."""
    left_out: int = 0
    """Bits of LeftOut for the rules that kept links from being read."""
    pdf: Mapping[str, object] | None = None
    """Facts of a PDF file, see `pdf`. None: it is none, or nobody asked."""
    is_scanned: bool = False
    """Whether it was read without a tree, see `scan`."""
    audit: Facts | None = None
    """The facts for its site's owner, if these are asked for."""
    shell: Look | None = None
    """The signs that scripts fill the page. None: nobody looked for them."""
    tree: turbohtml.Document | None = None
    """The tree that it was read from, if the user's own function is to have it."""

    def follows(self, relations: Collection[str], job: ParseJob) -> bool:
        """Whether a link with these relations (in lower case) is followed. If not, notes it in `left_out`."""
        if job.nofollow != "links" or "nofollow" not in relations:
            return True
        self.left_out |= LeftOut.NOFOLLOW
        return False

    def add_note(self, note: str) -> None:
        self.note = f"{self.note}; {note}" if self.note else note


def one_line(text: str, limit: int) -> str:
    """Returns at most `limit` characters, with each run of white space as one blank."""
    return " ".join(text[: 4 * limit].split())[:limit]
