"""Lists the codes of all findings, each with its severity and its advice. docs/findings.md explains them."""

from __future__ import annotations

from typing import NamedTuple

from .finding import Severity

_ERROR, _WARNING, _NOTICE = Severity


class Code(NamedTuple):
    """A kind of finding."""

    code: str
    """Its name. It never changes its meaning."""
    severity: Severity
    """How much it matters."""
    title: str
    """Its heading in a report."""
    advice: str
    """One line that says what to do."""


_ALL = (
    Code("broken-link", _ERROR, "Broken links", "Correct the link, or remove it."),
    Code("broken-resource", _ERROR, "Broken images, styles and scripts", "Put the file back, or correct its address."),
    Code("broken-page", _ERROR, "Broken pages of a sitemap or a list",
         "Take the address out of the sitemap or the list, or bring the page back."),
    Code("canonical-conflict", _ERROR, "Conflicting canonical links",
         "Name one canonical address, of a page that answers with 200 and may be indexed."),
    Code("hreflang-broken", _ERROR, "Translations that do not answer",
         "Correct the address in hreflang, or remove it."),
    Code("mixed-content", _ERROR, "Mixed content", "Load the file by https: browsers block it or warn."),
    Code("structured-data-broken", _ERROR, "Structured data that cannot be read",
         "Correct the JSON: search engines ignore the whole block."),
    Code("doubtful-link", _WARNING, "Links that a person should look at",
         "Open the link by hand: its site may only be refusing crawlers, or be out for a while."),
    Code("missing-fragment", _WARNING, "Links to places that a page does not have",
         "Correct the part after #, or give the place that id."),
    Code("redirect-chain", _WARNING, "Redirect chains", "Redirect to the last address at once."),
    Code("orphan", _WARNING, "Orphans", "Link to the page from another one, or take it out of the sitemap."),
    Code("missing-title", _WARNING, "Missing titles", "Give the page a title of its own."),
    Code("duplicate-title", _WARNING, "Duplicate titles", "Give each page a title of its own."),
    Code("hreflang-not-returned", _WARNING, "Translations that do not link back",
         "Name this page in the hreflang of the other one, too: search engines ignore pairs that are one-sided."),
    Code("structured-data-incomplete", _WARNING, "Structured data that lacks required fields",
         "Add the fields: without them search engines show no rich result."),
    Code("slow-page", _WARNING, "Slow pages", "Find out why the server takes so long for this page."),
    Code("check-failed", _WARNING, "Own checks that failed", "Correct the function: it was not called any further."),
    Code("missing-description", _NOTICE, "Missing descriptions", "Describe the page in its meta description."),
    Code("duplicate-description", _NOTICE, "Duplicate descriptions", "Describe each page in words of its own."),
    Code("long-title", _NOTICE, "Long titles", "Shorten the title: search engines show its beginning alone."),
    Code("long-description", _NOTICE, "Long descriptions",
         "Shorten the description: search engines show its beginning alone."),
    Code("missing-heading", _NOTICE, "Pages without a main heading", "Give the page one h1."),
    Code("several-headings", _NOTICE, "Pages with several main headings", "Keep one h1, and make the others h2."),
    Code("missing-language", _NOTICE, "Pages that do not state their language",
         "State the language in the lang attribute of html: screen readers speak by it."),
    Code("image-without-alt", _NOTICE, "Images without an alternative text",
         "Describe the image in its alt attribute; leave it empty if the image only decorates."),
    Code("noindex", _NOTICE, "Pages that search engines are told to leave out", "Remove noindex if that is not meant."),
    Code("redirected-link", _NOTICE, "Links to pages that have moved for good", "Link to the new address."),
    Code("large-page", _NOTICE, "Large pages", "Make the page smaller: it is slow to load on phones."),
    Code("duplicate-page", _NOTICE, "Pages with the same content",
         "Redirect to one of them, or name it in a canonical link."),
    Code("near-duplicate", _NOTICE, "Pages that are nearly the same",
         "Join the pages, or name one of them in a canonical link."),
    Code("missing-security-header", _NOTICE, "Missing security headers",
         "Have the server send the header with every page."),
)  # fmt: skip

FINDINGS: dict[str, Code] = {one.code: one for one in _ALL}
"""All codes, in the order in which findings come: errors first."""
