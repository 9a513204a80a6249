"""All rows; and which functions of the rooms that read what strangers write have one, or need none."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.linear import addresses, archives, doors, lists, pages, styles

ROWS = [*pages.ROWS, *addresses.ROWS, *lists.ROWS, *archives.ROWS, *doors.ROWS, *styles.ROWS]
HOUSE = Path(__file__).parent.parent.parent / "crawler"
ROOMS = (
    "proving/robots_reader.py",
    *(
        "parse",
        "seeds",
        "robots",
        "archives",
        "warc/reading.py",
        "warc/unpacking.py",
        "warc/cdxj.py",
        "warc/indexing.py",
        "warc/surt.py",
        "policy/traps",
        "policy/answers",
        "urls/url.py",
        "urls/canonical.py",
        "policy/scope.py",
        "policy/redirects.py",
    ),
    *(
        "runtime/escaping.py",
        "policy/politeness.py",
        "policy/answers/compared.py",
        "settings/toml.py",
        "runtime/log_format.py",
        "fetch/cookies.py",
        "fetch/setcookie.py",
        "fetch/guard.py",
    ),
    *(
        "fetch/proxies.py",
        "fetch/framing.py",
        "daemon/http/fields.py",
        "daemon/http/inputs.py",
        "daemon/http/safety.py",
        "daemon/schedules/schedule.py",
    ),
    *("daemon/jobs/spool.py", "daemon/runs/records.py", "daemon/tokens.py"),
    *("comparison/lines.py", "feed/cursor.py", "export/passages.py", "search/words.py", "search/spelling.py"),
)
"""Their public functions that take text, bytes or what holds such must be rows of the table."""
_GIVEN = {"str", "bytes", "Url", "Document", "Response", "Part", "Stream", "Path", "Outcome", "Request", "Answer"}
_GIVEN |= {"Window"}
NEED_NONE = {
    "policy.answers.latest.": "policy.answers.judging.Answers.judge asks it, of the latest few answers",
    "policy.answers.outage.": "likewise",
    "policy.answers.spread.": "likewise",
    "policy.answers.judging.": "likewise: a look-up, or a step of the same judgement",
    "policy.answers.compared.start_time": "adds four numbers",
    "parse.html.is_too_large": "compares a length, and asks parse.html.tree_bytes",
    "daemon.http.inputs.is_lines": "compares a type",
    "daemon.http.inputs.check_json": "compares a type",
    "daemon.http.inputs.whole": "a part of daemon.http.inputs.body",
    "daemon.runs.records.outputs": "reads settings, which settings.loading.load has a row for",
    "daemon.http.safety.add_headers": "adds our own fields",
    "daemon.http.safety.answer_expectation": "compares a field",
    "daemon.http.fields.idempotency_key": "looks at a field of 200 characters",
    "daemon.http.fields.last_event_id": "looks at a field of 18 characters",
    "daemon.http.fields.must_be_new": "compares a field",
    "daemon.runs.records.Filter.wants": "a part of daemon.runs.records.read",
    "daemon.jobs.spool.": "normal stands for uploads; the rest opens files, and reads with seeds.reading.read",
    "daemon.tokens.read_or_make": "reads with daemon.tokens.read",
    "fetch.cookies.Jar.": "a part of fetch.cookies.Cookies.keep",
    "fetch.setcookie.": "a part of fetch.cookies.Cookies.keep, but for read",
    "fetch.cookies.Cookies.of": "a part of fetch.cookies.Cookies.keep",
    "fetch.cookies.is_kept": "a part of fetch.cookies.Cookies.keep",
    "parse.html.parse_tree": "a part of parse.outline.read_outline",
    "parse.html.parse_as_shown": "a part of parse.rewriting.rewrite_html",
    "parse.html.parse_xml_only": "likewise",
    "parse.links.readers": "is given settings",
    "parse.best_text.find_best": "another library reads, and the time of a page ends it: tests/test_hostile_texts.py",
    "parse.pdf.read": "likewise",
    "parse.shell.judge": "compares lengths, and asks parse.shell.count",
    "parse.shell.count_words": "asks parse.shell.count",
    "parse.kinds.is_pdf": "looks at 1,024 bytes",
    "parse.job.ParseJob.is_slow_with": "asks parse.kinds.is_pdf",
    "parse.sketch.": "but for sketch, reads sketches of ours, of 512 bytes",
    "parse.embedded.": "a part of parse.html.read, whose row asks for all texts",
    "parse.main_text.": "likewise",
    "parse.focus.link_texts": "a part of parse.html.read, which has a row for it",
    "parse.focus.rank_": "asks parse.focus.rate_link, or a function of the user's, for each link",
    "parse.focus.relevance_of": "asks parse.focus.find_relevance",
    "parse.markdown.render": "likewise",
    "parse.authors.find_authors": "likewise",
    "parse.element_text.": "likewise",
    "parse.metadata.read": "likewise",
    "parse.lead.": "likewise",
    "parse.microdata.": "likewise",
    "parse.plain.": "one pass over a text",
    "parse.titles.": "a part of parse.html.read, whose row asks for all texts",
    "parse.moments.published": "likewise",
    "parse.moments.modified": "likewise",
    "parse.texts.note": "likewise",
    "parse.selectors.": "is given settings",
    "parse.parse": "parse.page.parse, imported when it is called",
    "settings.toml.comment": "is given words of ours",
    "fetch.proxies.": "is given settings",
    "parse.job.Content.": "looks through header fields, as Response.header does",
    "parse.job.make_document": "looks through header fields, as Response.header does",
    "parse.news.Memory.is_first_error": "a look-up",
    "parse.news.Memory.has_reported": "a look-up",
    "parse.news.memory_of": "is given a token of ours",
    "parse.news.Memory.mark": "a part of parse.news.Memory.news",
    "parse.reading.Reading.add_note": "is given words of ours",
    "runtime.xml_repair.Events.": "a part of parse.xml.read of faulty documents",
    "runtime.xml_repair.Repair.": "a part of parse.xml.read of faulty documents",
    "parse.sitemap.add": "a part of parse.sitemap.read_list",
    "parse.sitemap.is_list": "is given a URL, which is short",
    "policy.politeness.Politeness.": "is given numbers",
    "policy.politeness.Silence.": "a look-up",
    "policy.scope.check_patterns": "is given settings",
    "policy.redirects.follow": "copies a request without some of its fields, which programs give",
    "policy.redirects.Paths.": "a look-up, but for way and try_again",
    "robots.IgnoreRobots.": "reads nothing",
    "runtime.log_format.cut": "a part of logbook.Lines.format",
    "robots.memory.": "a look-up",
    "robots.preferences.place": "a part of robots.preferences.read_line and of robots.tdmrep.read_reservations",
    "robots.rules.find_statements": "a part of robots.rules.RobotsRules.statements",
    "robots.rules.fits": "a part of robots.rules.RobotsRules.allows and statements",
    "robots.tdmrep.Reservations.": "reads with robots.tdmrep.read_reservations, finds as RobotsRules.statements does",
    "robots.use.": "looks up with robots.rules.RobotsRules.statements; an answer has 100 statements at most",
    "robots.patterns.": "a part of robots.reading.parse, and of robots.rules.RobotsRules.allows",
    "robots.rules.make_wild_rule": "a part of robots.reading.parse",
    "seeds.columns.name_columns": "a part of seeds.reading.read_requests",
    "seeds.xml.feed": "a part of seeds.sheets.read_sheets",
    "robots.RobotsCache.": "reads with robots.reading.parse",
    "archives.answers.Answer.": "looks through header fields, as Response.header does",
    "archives.cdxj.is_index": "looks at the end of a name",
    "archives.captures.": "hashes, and looks up what it hashed",
    "archives.fetcher.": "finds with archives.store.Store",
    "archives.files.find_archives": "is given paths of the user; a WACZ is a zip, for which seeds.formats has a row",
    "archives.files.open_window": "likewise",
    "archives.files.unpack_window": "reads with warc.unpacking.Pieces",
    "archives.indexing.": "a part of archives.store.Store",
    "archives.opening.": "is given settings",
    "archives.unanswered.find_records": "is given paths of the user",
    "archives.store.Store.": "a part of archives.store.Store",
    "warc.cdxj.find_mime": "cuts at the first semicolon",
    "warc.reading.Record.": "a part of warc.reading.Walk",
    "warc.reading.Walk.": "a part of warc.reading.Walk",
    "policy.traps.novelty.Novelty.": "a look-up by a pattern that traps.shapes finds, but for fold and sift",
    "policy.traps.pattern.Pattern.has_source": "a part of traps.pattern.Pattern.note_source",
    "policy.traps.series.Series.": "holds is a part of vouch; restore is given words of ours",
}
"""Functions, or the beginnings of their names, and why no row is theirs."""


def readers() -> Iterator[str]:
    """The public functions of the rooms that are given what a stranger may have written, dotted."""
    for room in ROOMS:
        path = HOUSE / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            place = ".".join(file.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
            yield from _functions(ast.parse(file.read_bytes()), place)


def _functions(node: ast.Module | ast.ClassDef, place: str) -> Iterator[str]:
    for one in node.body:
        if isinstance(one, ast.ClassDef) and not one.name.startswith("_"):
            yield from _functions(one, f"{place}.{one.name}")
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
            arguments = [*one.args.args, *one.args.kwonlyargs]
            kinds = [word for given in arguments if given.annotation for word in _words(given.annotation)]
            if not _GIVEN.isdisjoint(kinds):
                yield f"{place}.{one.name}"


def _words(annotation: ast.expr) -> Iterator[str]:
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
