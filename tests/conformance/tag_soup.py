"""Writes pages that nobody would write, for `links_against_chromium.py`: the tags that parsers know, in any order.

    python tests/conformance/tag_soup.py FOLDER [--pages 500] [--seed 5]

Each page names its encoding or has a byte order mark; each tenth is well-formed XHTML.
"""

from __future__ import annotations

import argparse
import codecs
import random
from pathlib import Path

OPEN = (
    "div", "p", "b", "i", "a", "font", "nobr", "button", "li", "ul", "h1", "body", "html", "head", "table", "tr",
    "td", "caption", "colgroup", "form", "option", "dialog", "applet", "object", "marquee", "noscript", "noembed",
    "noframes", "iframe", "template", "svg", "math", "mi", "mtext", "desc", "foreignObject", "annotation-xml", "td",
    "rt", "ruby", "dd", "dt", "main", "input", "br", "hr", "address", "center", "details", "summary", "fieldset",
    "legend", "label", "video", "audio", "picture",
)  # fmt: skip
RARE = ("plaintext", "script", "style", "textarea", "xmp", "select", "frameset", "title", "noframes", "noembed")
"""What swallows the rest of a page."""
LEADING = (
    "<a href=l{}>", "<a href='l{}?x&amp;y&copy=1'>", "<area href=l{}>", "<base href='/b{}/'>", "<frame src=f{}>",
    "<iframe src=i{}>", "<script src=s{}></script>", "<link rel=next href=n{}>", "<link rel=stylesheet href=c{}>",
    "<link rel='alternate stylesheet' href=d{}>", "<link rel=canonical href=k{}>", "<form action=g{}>",
    "<form action=p{} method=post>", "<img src=m{}>", "<image src=m{}>", "<a/href=z{}>", '<a href="q{}\n">',
    "<a href=l{} href=w>", "<svg><a xlink:href=x{}>", "<svg><title>t</title>", "<a\fhref=ff{}>", "<object data=o{}>",
    "<div><template shadowrootmode=open><a href=sh{}></template></div>", "<a id=x>", "<a href>",
    "<a href='//o{}.test/x'>",
    "<a href='http://[bad'>", "<a href='javascript:1'>", "<a href='#f{}'>", "<a href='  sp{}  '>", "<a href='ж{}?ж#ж'>",
    "<a href='?q=é{}'>", "<a href='&#xe9;{}?&#x20ac;'>", "<a href='?q=%e9&#1046;{}'>", "<math><a href=y{}>",
)  # fmt: skip
ODD = (
    "<!--",
    "-->",
    "<!-->",
    "--!>",
    "<![CDATA[",
    "]]>",
    "<?php x ?>",
    "</ ",
    "<",
    "&",
    "\0",
    "</br>",
    "<br/>",
    "text ",
)
XHTML = (
    '<a href="x{}"/>', '<b><a href="y{}?a=1&amp;b=2">t</a></b>', '<script src="s{}"/>', '<iframe src="f{}"/>',
    "<title/>", '<link rel="next" href="n{}"/>', "&nbsp;", "&amp;", '<![CDATA[<a href="no">]]>',
    '<!-- <a href="no"/> -->',
    "<textarea/>",
    '<template><a href="no"/></template>', '<svg xmlns="http://www.w3.org/2000/svg"><a href="v{}"/></svg>',
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-16", "windows-1252", "koi8-r", "shift_jis", "gb18030", "euc-kr", "big5", "euc-jp")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    asked.folder.mkdir(parents=True, exist_ok=True)
    for number in range(asked.pages):
        suffix, body = ("xhtml", _xhtml(rng)) if number % 10 == 9 else ("html", _html(rng))
        (asked.folder / f"{number:05}.{suffix}").write_bytes(body)
    return 0


def _html(rng: random.Random) -> bytes:
    pieces = [_piece(rng).replace("{}", str(rng.randrange(1000))) for _ in range(rng.randint(3, 80))]
    markup = ("<!doctype html>" if rng.random() < 0.6 else "") + "".join(pieces)
    encoding = rng.choice(ENCODINGS)
    if encoding == "utf-16":
        return codecs.BOM_UTF16_LE + markup.encode("utf-16-le")
    return f"<meta charset={encoding}>{markup}".encode(encoding, "ignore")


def _piece(rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.35:
        return rng.choice(LEADING)
    if chance < 0.45:
        return rng.choice(ODD)
    tag = rng.choice(RARE if chance > 0.98 else OPEN)
    return f"</{tag}>" if rng.random() < 0.4 else f"<{tag}>"


def _xhtml(rng: random.Random) -> bytes:
    body = "".join(rng.choice(XHTML).replace("{}", str(rng.randrange(1000))) for _ in range(12))
    begun = '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x">'
    return f'{begun}<html xmlns="http://www.w3.org/1999/xhtml"><head/><body>{body}</body></html>'.encode()


if __name__ == "__main__":
    raise SystemExit(main())
