"""PDF files, made by hand: plain ones, and some that hurt those who read them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence


def make_pdf(
    pages: Sequence[str], *, title: str = "The harbour", author: str = "A. Fisher", link: str = "", drawn: bytes = b""
) -> bytes:
    """Returns a file with one line of text a page. `link` is a link on each of them; `drawn` is drawn there, too."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]

    def add(written: bytes) -> int:
        objects.append(written)
        return len(objects)

    kids, annotations = [], b""
    if link:
        action = b"<< /S /URI /URI (%s) >>" % link.encode()
        number = add(b"<< /Type /Annot /Subtype /Link /Rect [72 700 200 730] /A %s >>" % action)
        annotations = b" /Annots [%d 0 R]" % number
    for text in pages:
        stream = zlib.compress(b"BT /F1 12 Tf 72 720 Td (%s) Tj ET %s" % (text.encode(), drawn))
        content = add(b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        fonts = b"/Resources << /Font << /F1 3 0 R >> >>"
        head = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
        kids.append(add(head + fonts + b" /Contents %d 0 R%s >>" % (content, annotations)))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    said = b"/Title (%s) /Author (%s) /CreationDate (D:20260504030201+02'00')" % (title.encode(), author.encode())
    return assemble(objects, b"/Info %d 0 R" % add(b"<< %s >>" % said))


def assemble(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Returns a file of these objects, the first of which is its catalogue."""
    written, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n"
    return written + head + table + end % (len(objects) + 1, trailer, len(written))


_CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
_BOMB = zlib.compress(b"BT /F1 12 Tf (boat ) Tj ET " * 4_000_000)

HURTFUL = {
    "cut-off": make_pdf(["Half a page"])[:300],
    "rubbish": b"%PDF-1.7\n" + bytes(range(256)) * 400,
    "pages-in-a-circle": assemble([_CATALOGUE, b"<< /Type /Pages /Count 1000000 /Kids [2 0 R 2 0 R 2 0 R] >>"]),
    "a-million-pages-said": assemble([_CATALOGUE, b"<< /Type /Pages /Count 1000000 /Kids [] >>"]),
    "100000-nested-arrays": assemble([_CATALOGUE, b"[" * 100_000 + b"]" * 100_000]),
    "tables-in-a-circle": b"%PDF-1.4\nxref\n0 0\ntrailer << /Prev 9 /Root 1 0 R >>\nstartxref\n9\n%%EOF",
    "a-bomb": assemble([
        _CATALOGUE,
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(_BOMB), _BOMB),
    ]),
    "2000-pages": make_pdf([f"Page {number}" for number in range(2000)]),
}  # fmt: skip
"""Files that hurt, by a name that may stand in a URL."""
