"""Finds the names of those who wrote a page: as it states them for machines, else as it shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import unescape

import turbohtml

from .beside import Beside
from .plain import Node, Plain, last

_MOST = 20
_LONGEST, _LONGEST_LINE = 1024, 160
_LONGEST_NAME, _MOST_WORDS = 80, 7
"""Longer texts are no names, but sentences about somebody."""
_INITIAL = 4
"""Characters of a word that may end with a point: an initial, `e.V.`"""
_MOST_LOOKED, _MOST_SIGNED, _MOST_BESIDE = 400, 8, 5
"""Elements that are looked at for a line such as `By Ada Lovelace`, and for names; others of its line, behind one."""

_OTHERS = frozenset(
    """
    Answer AudioObject Comment CriticReview ImageObject MediaObject Organization Review ScholarlyArticle
    SiteNavigationElement UserReview VideoObject WPFooter WPHeader WebSite
    """.split()  # noqa: SIM905 - a list of as many texts is hard to read
)
"""Types of items whose authors are not those of the page."""
_ORGANISATION = re.compile(r"Organi[sz]ation|Corporation|Publisher|Brand")
_METAS = """
    citation_author article:author author dc.creator dcterms.creator parsely-author byl sailthru.author
    """.split()  # noqa: SIM905
_SIGNED = (
    "[rel~=author]",
    "[itemprop~=author]",
    ".author .fn,.vcard .fn,.byline .fn",
    ".author.vcard,.vcard.author,.p-author",
    "[class*=byline i] a,[class*=author-name i],[class*=author_name i],[class*=authorname i],[class*=author i] a",
    "byline,[class*=byline i],[class*=author i],[class*=autor i],[class*=auteur i],[class*=writer i]",
    'a[href*="/author/"],a[href*="/authors/"],a[href*="/autor/"],a[href*="/autoren/"],a[href*="/auteur/"],'
    'a[href*="/writers/"],a[href*="/reporters/"],a[href*="/redakteur/"],a[href*="?author="]',
)
"""Matches elements that show a name, the surest first."""
_SAID = "p,span,em,strong,small,i,b,h4,h5,h6,div,time,address"

_BY = (
    r"(?:written|posted|published|reported|words|text|texte?|story|erstellt|verfasst|geschrieben|publi\u00e9|"
    r"\u00e9crit|escrito|scritto|ver\u00f6ffentlicht|eingestellt)?[ ]?"
    r"(?:by|von|vom|par|por|di|de|da|door|av|af|przez|autore?s?|autor(?:in|en|innen)?|auteurs?|authors?|"
    r"redakteur(?:in)?|forfatter|skribent|tekst|text|autorzy|\u0430\u0432\u0442\u043e\u0440|kirjoittaja)"
)
"""Matches words in front of names, in the languages of Europe."""
_OPENING = re.compile(rf"^(?:{_BY}[ ]*:|{_BY}[ ])[ ]*", re.IGNORECASE)
_LINE = re.compile(
    rf"^(?:{_BY}[ ]*:|(?:by|von|par|por|di|door|av|af|przez|text von|words by)[ ])[ ]*(?P<names>.+)$", re.IGNORECASE
)
_PART = r"[^\W\d_a-z][\w.'\u2019-]*"
_NAME = re.compile(
    rf"(?:(?:Dr|Prof|Mag|Dipl|Ing|med)\.?[ ])*{_PART}"
    rf"(?:[ ](?:von|van|de|der|den|del|della|di|da|du|le|la|dos|zu|{_PART})){{1,4}}"
)
_SPLIT = re.compile(
    r"\s*[;/|\u2022]\s*|\s+[\u2013\u2014]\s+|\s+(?:and|und|et|y|e|og|och|en|&|\+)\s+|\s*,\s*(?:and|und|et|y)\s+",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S*(?:https?:|www\.|@|\[at\])\S*|\([^()]*\)")
_AFTER = re.compile(r"\s+(?:\u2192|\u2022|\||-\s*$).*$|[\s,:;|\u2192\u2013\u2014-]+$")
_DEGREE = re.compile(
    r",\s*(?:Ph\.?D|M\.?D|M\.?Sc|B\.?Sc|M\.?A|B\.?A|R\.?D|R\.?N|J\.?D|MBA|MPH|CPA|dpa|afp|apa|sda|reuters)\.?$",
    re.IGNORECASE,
)
_NOBODY = re.compile(rf"null|none|undefined|admin|administrator|{_BY}", re.IGNORECASE)
_SAYS = re.compile(
    r"\b(?:alles?|all|show|more|mehr|zeige|view|voir|tous|posts?|articles?|beitr\u00e4ge|artikel|about|\u00fcber|"
    r"profil\w*|follow|weitere|comments?|kommentare?|kontakt|contact|author|autor|fotos?|photos?|bild(?:er)?|images?|"
    r"reply|antworten|edit)\b",
    re.IGNORECASE,
)
"""Matches words of buttons and links beside names."""
_TIME = re.compile(r"\d{1,4}[./:-]\d|\d{4}|\b\d{1,2}[.]?\s")

IsSite = Callable[[str], bool]
"""Tells whether a text names the site of the page."""


def find_authors(
    document: turbohtml.Document, nodes: Iterable[Node], metas: Mapping[str, list[str]], is_site: IsSite
) -> list[str]:
    """Returns the names of a page's authors. Names of its site and of organisations stand only if there is no other."""
    people, firms = _stated(nodes)
    for name in _METAS:
        if people:
            break
        people = [one for text in metas.get(name, ()) for one in read_names(text)]
    names = [one for one in people if not is_site(one)] or _shown(document, is_site)
    return _distinct(names or people or _shown(document, lambda _: False) or firms)


def read_names(text: str) -> list[str]:
    """Returns the names in a line such as `By Ada Lovelace and Bo Ek`."""
    text = " ".join(unescape(text[:_LONGEST]).replace("\u00ad", "").split())
    text = _OPENING.sub("", _ADDRESS.sub(" ", text).strip(), count=1)
    found: list[str] = []
    for part in _SPLIT.split(text):
        several = [one.strip() for one in part.split(",")]
        found += several if len(several) > 1 and all(" " in one for one in several) else [part]
    return [name for one in found if (name := _clean(one))]


def _clean(name: str) -> str:
    """Returns a name without what stands behind it; empty: it is none."""
    name = _DEGREE.sub("", _AFTER.sub("", _OPENING.sub("", name.strip(), count=1))).strip(" \"'")
    if name.endswith(".") and len(name.rpartition(" ")[2]) > _INITIAL:
        name = name.rstrip(".")
    is_long = len(name) > _LONGEST_NAME or len(name.split()) > _MOST_WORDS
    is_name = any(map(str.isalpha, name)) and not name.startswith("/") and not _NOBODY.fullmatch(name)
    return name if is_name and not is_long else ""


def _distinct(names: Iterable[str]) -> list[str]:
    """Returns names without those that repeat one in other letters."""
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(name.casefold(), name)
    return list(kept.values())[:_MOST]


# -- stated ------------------------------------------------------------------------------------------------------------


def _stated(nodes: Iterable[Node]) -> tuple[list[str], list[str]]:
    """Returns the people whom the first item with an author names, and the organisations up to there."""
    firms: list[str] = []
    for node in nodes:
        if "author" not in node or _types(node) & _OTHERS:
            continue
        given = node["author"]
        values = given if isinstance(given, list) else [given]
        people = [one for value in values if not _is_firm(value) for text in _name(value) for one in read_names(text)]
        firms += [text for value in values if _is_firm(value) for text in _name(value)]
        if people:
            return people, firms
    return [], firms


def _types(node: Node) -> set[str]:
    said = node.get("@type")
    return {last(one) for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)}


def _is_firm(value: Plain) -> bool:
    return isinstance(value, dict) and any(_ORGANISATION.search(one) for one in _types(value))


def _name(value: Plain) -> Iterator[str]:
    said = value.get("name") if isinstance(value, dict) else value
    yield from [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)]


# -- shown -------------------------------------------------------------------------------------------------------------


def _shown(document: turbohtml.Document, is_site: IsSite) -> list[str]:
    """Returns the names of the surest place that shows some, those beside it in the same line included."""
    is_beside = Beside(document)
    for selector in _SIGNED:
        signed = [one for one in document.select(selector)[:_MOST_LOOKED] if not is_beside(one)]
        for place, element in enumerate(signed[:_MOST_SIGNED]):
            if names := _of_element(element, is_site):
                line = [one for one in signed[place + 1 : place + 1 + _MOST_BESIDE] if _is_near(one, element)]
                return names + [name for one in line for name in _of_element(one, is_site)]
    return _signed_in_words(document, is_site, is_beside)


def _of_element(element: turbohtml.Element, is_site: IsSite) -> list[str]:
    """Returns the names that an element shows: in a part of its own, or as all of its text."""
    named = element.select_one("[itemprop~=name],.fn,.name")
    linked = element.select_one("a[href]") if named is None else None
    for one in (named, element, linked):
        text = " ".join(one.text[:_LONGEST].split()) if one is not None else ""
        if not text or len(text) > _LONGEST_LINE or is_site(text) or _SAYS.search(_OPENING.sub("", text)):
            continue
        names = [name for name in read_names(text) if not is_site(name) and _looks_like_a_name(name)]
        if names:
            return names
    return []


def _looks_like_a_name(text: str) -> bool:
    return not _TIME.search(text) and (" " not in text or _NAME.fullmatch(text) is not None)


def _is_near(element: turbohtml.Element, first: turbohtml.Element) -> bool:
    """Whether two elements are of one line: children of one parent, or of two entries of one list."""
    above, other = element.parent, first.parent
    if not isinstance(above, turbohtml.Element) or not isinstance(other, turbohtml.Element):
        return False
    return above is other or (above.parent is other.parent and above.tag in ("li", "span"))


def _signed_in_words(document: turbohtml.Document, is_site: IsSite, is_beside: Beside) -> list[str]:
    """Returns the names of the first line that is signed in words alone, as in `By Ada Lovelace`."""
    root = document.select_one("article,main") or document
    for element in root.select(_SAID)[:_MOST_LOOKED]:
        text = element.text
        found = _LINE.match(" ".join(text.split())) if len(text) < _LONGEST_LINE else None
        said = read_names(found["names"]) if found else []
        names = [one for one in said if _NAME.fullmatch(one) and not is_site(one)]
        if names and not is_beside(element):
            return names
    return []
