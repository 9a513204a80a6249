"""Keeps the latest answers to URLs of one kind, and finds how many in a row are alike."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ...model import Url

REMEMBERED = 32
"""Most answers of a kind that are kept, 64 bytes each."""
DIFFERENT = 8
"""Different contents among the kept ones that show that URLs of the kind differ."""
SAME, SAME_LETTERS, NEAR = range(3)
"""Ways in which answers are alike: the same bytes; the same letters; nearly the same words."""
IN_A_ROW = (4, 8, 8)
"""URLs in a row with like answers that make an outage, by way; twice as many where the content came before."""
NEAR_BITS = 18
"""Most bits in which simhashes of nearly the same words differ, under one title and with as many links: texts of some
words that differ in a request id and a time are 6 to 18 bits apart. Under another title all are about 32 bits apart."""

FRAME_BITS = 24
"""Pages of one site that share most of their words, the frame, differ in fewer bits; unrelated pages in about 32."""


class Answer(NamedTuple):
    """The answer to one URL, as far as answers are compared. Times are monotonic seconds."""

    row: int
    """The row of the URL in the frontier."""
    url: Url
    content: int
    """64 bits, equal for equal bytes, or for redirects to one target."""
    gist: int
    """64 bits, equal where only numbers and words of the URL differ. An answer without text has its content here."""
    simhash: int = 0
    """A simhash: near for nearly the same words, under the same title and with as many links. 0: there is no text."""
    figures: int = 0
    """64 bits over the figures and pictures that it shows, but for dates and numbers of its URL."""
    began: float = 0.0
    """When the exchange began."""
    ended: float = 0.0
    judged: float = 0.0
    """When its page was read; requests that its site got until then could not know of it."""
    is_last: bool = False
    """Whether the URL has no further attempt."""
    is_kept: bool = False
    """Whether it comes from a cache: the site itself may not have been asked."""
    frame: int = 0
    """64 bits over title and number of links. 0: there is no text. A page that was read in brief has no more than that
    to compare: its content as gist, and no simhash."""


class Brought(NamedTuple):
    """The content that one URL brought, and the parts of it that a reader sees."""

    content: int
    gist: int
    figures: int


class Run(NamedTuple):
    """A run: the latest answers of a kind that are alike."""

    way: int
    number: int
    after: float
    """A time before which none of them ended."""
    centre: int
    """The bits that most of their simhashes have: their common part."""
    brought: Mapping[int, Brought]
    """The contents by row."""
    other: int | None
    """The row of the latest answer that is not like them."""


class Kind:
    """The latest answers to URLs of one kind, in the order they came. Plain columns, for there are many kinds."""

    __slots__ = (
        "_began",
        "_ended",
        "_figures",
        "_frames",
        "_hashes",
        "_near",
        "contents",
        "gists",
        "has_varied",
        "is_strict",
        "rows",
        "weak",
    )

    def __init__(self) -> None:
        self.contents: array[int] = array("Q")
        self.gists: array[int] = array("Q")
        self.rows: array[int] = array("q")
        self._hashes = array("Q")
        self._figures = array("Q")
        self._frames = array("Q")
        self._began = array("d")
        self._ended = array("d")
        self._near = 0
        """Number of the latest answers in a row that are each near to the one before."""
        self.is_strict: bool = False
        """Whether only the same bytes count: contents of this kind turned out to differ in little."""
        self.has_varied: bool = False
        """Whether URLs of this kind ever brought different contents, remembered or not."""
        self.weak: tuple[int, ...] = ()
        """Contents that bear a weak mark of a block."""

    def push(self, answer: Answer) -> None:
        """Remembers an answer, and forgets the oldest."""
        mixed = answer.simhash
        self._near = self._near + 1 if mixed and self.rows and is_near(self._hashes[-1], mixed) else 1
        self.contents.append(answer.content)
        self.gists.append(answer.gist)
        self.rows.append(answer.row)
        self._hashes.append(answer.simhash)
        self._figures.append(answer.figures)
        self._began.append(answer.began)
        self._ended.append(answer.ended)
        self._frames.append(answer.frame)
        if len(self.rows) > REMEMBERED:
            for column in self._columns:
                del column[0]

    def run(self, answer: Answer, brought: Callable[[Url], int]) -> Run | None:
        """Returns the run that the latest answer ends, if it is long though URLs of this kind bring different contents.

        `brought` returns how many contents they brought before this run of the crawl began, if only in their figures.
        """
        if self._has_no_run(answer):
            return None
        for way in (SAME,) if self.is_strict else (SAME, SAME_LETTERS, NEAR):
            enough = IN_A_ROW[way]
            number = self._longest_run(way, answer)
            if number < enough:
                continue
            has_varied = self.has_varied or (way == SAME and brought(answer.url) >= DIFFERENT)
            if len(self.rows) - number < DIFFERENT and not has_varied:
                continue
            if run := self._find_run(way, enough, answer, has_varied):
                return run
        return None

    def _has_no_run(self, answer: Answer) -> bool:
        """Returns True in the usual case: in no way are enough answers alike."""
        if self.contents.count(answer.content) >= IN_A_ROW[SAME]:
            return False
        is_apart = self._near < IN_A_ROW[NEAR] and self.gists.count(answer.gist) < IN_A_ROW[SAME_LETTERS]
        return self.is_strict or is_apart

    @property
    def is_well_known(self) -> bool:
        """Whether its URLs bring different contents, and the latest two differ in title or links."""
        frames = self._frames
        return self.varies and len(frames) > 1 and frames[-1] != frames[-2]

    @property
    def varies(self) -> bool:
        """Whether URLs of this kind bring different contents."""
        return self.has_varied or len(set(self.contents)) >= DIFFERENT

    def varies_beside(self, answer: Answer, way: int) -> bool:
        """Returns whether URLs of this kind differ even without those that have the letters of the answer."""
        values = self.contents if way == SAME else self.gists
        others = {value for value, gist in zip(values, self.gists, strict=True) if gist != answer.gist}
        return self.has_varied or len(others) >= DIFFERENT

    def way_of_others(self, answer: Answer) -> int | None:
        """Returns the way in which an earlier answer is like the latest: same bytes or same letters; None: none is."""
        if self.contents.count(answer.content) > 1:
            return SAME
        is_alike = not self.is_strict and self.gists.count(answer.gist) > 1
        return SAME_LETTERS if is_alike else None

    def like(self, answer: Answer, way: int) -> list[tuple[int, int]]:
        """Returns the answers that are like `answer` in that way, as rows and contents."""
        columns = zip(self.rows, self.contents, self.gists, strict=True)
        if way == SAME:
            return [(row, content) for row, content, _ in columns if content == answer.content]
        return [(row, content) for row, content, gist in columns if gist == answer.gist]

    def take_back(self, is_alike: Callable[[int, int, int], bool], after: float, frame: int = 0) -> list[int]:
        """Forgets the answers that are alike and ended later than `after`; returns their rows.

        Brief ones are alike if they have this `frame`.
        """
        columns = zip(self.contents, self.gists, self._hashes, self._ended, self._frames, strict=True)
        kept = [
            ended < after or not (is_alike(content, gist, mixed) or (not mixed and 0 < frame == seen))
            for content, gist, mixed, ended, seen in columns
        ]
        taken = [row for row, is_kept in zip(self.rows, kept, strict=True) if not is_kept]
        for column in self._columns if taken else ():
            column[:] = array(column.typecode, [value for value, is_kept in zip(column, kept, strict=True) if is_kept])
        self._near = min(self._near, 1) if taken else self._near
        return taken

    def absorb(self, other: Kind) -> None:
        """Takes over the answers that a narrower kind remembers."""
        for mine, theirs in zip(self._columns, other._columns, strict=True):
            mine.extend(theirs)
            del mine[:-REMEMBERED]
        self._near = 1
        self.weak += other.weak
        self.has_varied = self.has_varied or other.has_varied

    def _longest_run(self, way: int, answer: Answer) -> int:
        """Returns a length that no run exceeds."""
        if way == NEAR:
            return min(self._near, len(self.rows))
        return self.contents.count(answer.content) if way == SAME else self.gists.count(answer.gist)

    def _find_run(self, way: int, enough: int, answer: Answer, has_varied: bool) -> Run | None:
        members = self._members(way, answer)
        others = [at for at in range(len(self.rows)) if at not in members]
        seen_as = SAME_LETTERS if way == SAME else way
        before = [self._is_alike(seen_as, at, answer) for at in others]
        stretches = sum(1 for i, alike in enumerate(before) if alike and not (i and before[i - 1]))
        if stretches > 1 or len(members) < enough << stretches:
            return None
        values = self.contents if way == SAME else self.gists
        if len({values[at] for at in others}) < DIFFERENT and not has_varied:
            return None
        centre = _centre([self._hashes[at] for at in members])
        if way == NEAR and 4 * sum(_is_of_one_frame(self._hashes[at], centre) for at in others) > len(others):
            return None  # a quarter of unrelated pages may be as near by chance
        first = min(self._ended[at] for at in members)
        after = [self._ended[at] for at in others if self._ended[at] <= first]
        since = max(after, default=min(self._began[at] for at in members))
        other = self.rows[others[-1]] if others else None
        what = {self.rows[at]: Brought(self.contents[at], self.gists[at], self._figures[at]) for at in members}
        return Run(way, len(members), since, centre, what, other)

    def _members(self, way: int, answer: Answer) -> set[int]:
        """Returns the places of the run that the latest answer ends.

        Exchanges overlap. An answer of another content only ends a run if its request began after an answer of the run
        was there.
        """
        members: set[int] = set()
        parted = float("-inf")
        for at in reversed(range(len(self.rows))):
            if not self._is_alike(way, at, answer):
                parted = max(parted, self._began[at])
            elif self._ended[at] <= parted:
                break
            else:
                members.add(at)
        return members

    def _is_alike(self, way: int, at: int, answer: Answer) -> bool:
        if way == SAME:
            return self.contents[at] == answer.content
        return self.gists[at] == answer.gist or (way == NEAR and is_near(self._hashes[at], answer.simhash))

    @property
    def _columns(self) -> Sequence[array]:  # type: ignore[type-arg]  # of integers and of times
        return (
            self.contents, self.gists, self.rows, self._hashes, self._figures, self._began, self._ended, self._frames,
        )  # fmt: skip


def _centre(hashes: Sequence[int]) -> int:
    return sum(1 << bit for bit in range(64) if 2 * sum(one >> bit & 1 for one in hashes) > len(hashes))


def _is_of_one_frame(one: int, other: int) -> bool:
    """Returns whether two pages may share the frame of their site, though not their own words, by their simhashes."""
    return one != 0 and (one ^ other).bit_count() <= FRAME_BITS


def is_near(one: int, other: int) -> bool:
    """Returns whether two simhashes stand for nearly the same words."""
    return one != 0 and other != 0 and (one ^ other).bit_count() <= NEAR_BITS
