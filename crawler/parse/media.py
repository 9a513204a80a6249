"""Lists the pictures, recordings and documents that a page shows or offers, whether they are followed or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import turbohtml

from .microsyntax import srcset_urls

_ATTRIBUTES = {
    "img": ("src", "data-src", "data-original"),
    "source": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
}
TAGS = tuple(_ATTRIBUTES)
_RESPONSIVE = frozenset({"img", "source"})
_FILES = """
    pdf djvu epub mobi doc docx odt rtf xls xlsx ods csv ppt pptx odp zip bz2 rar tgz tar
    mp3 ogg oga opus flac wav m4a mp4 m4v webm ogv avi mov mkv jpg jpeg png gif tif tiff webp svg jp2
    apk deb rpm exe dmg iso jar gpx kml stl
"""
_ENDINGS = frozenset(ending.rjust(4, ".")[-4:] for word in _FILES.split() for ending in (word, word.upper()))
"""The last four characters of the names of files that people download, with the dot if it fits in."""
_TINY = frozenset({"0", "1", "2"})
"""Width or height in pixels of pictures that only count visitors."""


def downloads(hrefs: Sequence[str]) -> list[str]:
    """Returns the links to files. A link with a query is excluded, because it may lead to a page."""
    return [href for href in hrefs if href[-4:] in _ENDINGS]


def shown_sources(element: turbohtml.Element) -> Iterator[str]:
    """Yields the sources that an element of TAGS shows, as written."""
    if element.attr("width") in _TINY or element.attr("height") in _TINY:
        return
    for name in _ATTRIBUTES[element.tag]:
        if value := element.attr(name):
            yield value
    if element.tag in _RESPONSIVE and (written := element.attr("srcset")):
        yield from srcset_urls(written)[:1]
