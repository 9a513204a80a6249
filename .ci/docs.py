"""Builds the documents as one site that needs no network: all pages of docs/, and a reference made from the docstrings.

`make docs` writes it into build/docs. The reference has a page for each public name of `crawler`, `crawler.daemon`,
`crawler.seeds` and `crawler.testing`. Every warning is an error: a link that leads nowhere, a docstring that cannot be
read. Ends with 1 if there is one.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints, is_typeddict

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import docutils_namespace, patch_docutils

import crawler
from crawler.daemon import DaemonConfig
from crawler.settings import Config, SinkConfig, Table

TREE = Path(__file__).parent.parent
PROJECT = tomllib.loads((TREE / "pyproject.toml").read_text("utf-8"))["project"]
HOME = PROJECT["urls"]["Homepage"]
INDEX = TREE / "docs/README.md"
DOCUMENTS = sorted({*TREE.glob("*.md"), *TREE.glob("docs/*.md")} - {INDEX})
PACKAGES = {
    "crawler": "Crawls in your program",
    "crawler.daemon": "Many crawls in one daemon",
    "crawler.seeds": "Lists of URLs",
    "crawler.testing": "A web for tests",
}
OPTIONS = """\
   :members:
   :undoc-members:
   :member-order: bysource
   :inherited-members: BaseModel, Table, Exception, BaseException, Enum, StrEnum, Flag, str, int, tuple, dict, object, \
Protocol, Generic
"""
"""Methods that come from Python and pydantic are left out."""
SETTINGS: dict[str, Any] = {
    "project": "crawld",
    "author": "",
    "copyright": "",
    "version": PROJECT["version"],
    "release": PROJECT["version"],
    "extensions": ["myst_parser", "sphinx.ext.autodoc"],
    "root_doc": "index",
    "html_theme": "furo",
    "html_title": f"crawld {PROJECT['version']}",
    "html_show_sphinx": False,
    "html_show_copyright": False,
    "html_copy_source": False,
    "html_show_sourcelink": False,
    "default_role": "py:obj",  # a word in backticks is a link where it is a public name
    "highlight_language": "none",
    "suppress_warnings": ["misc.highlighting_failure"],  # a command over two lines is no console to it
    "myst_heading_anchors": 4,
    "autodoc_preserve_defaults": True,
    "autodoc_typehints": "signature",
    "autodoc_typehints_format": "short",
    "autodoc_class_signature": "mixed",
    "python_use_unqualified_type_names": True,
    "python_display_short_literal_types": True,
    "maximum_signature_line_length": 88,
    "toc_object_entries_show_parents": "hide",
    "add_module_names": False,
}


def main(out: Path) -> int:
    """Writes the site; returns whether there was something to warn of."""
    for table in (Config, DaemonConfig, SinkConfig, *tables_in(Config)):
        table.__annotations__ = get_type_hints(table)  # without the markers, which mean nothing to readers
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        copy_documents(source)
        write_reference(source / "reference")
        shutil.rmtree(out, ignore_errors=True)
        with docutils_namespace(), patch_docutils():
            app = Sphinx(
                srcdir=source,
                confdir=None,
                outdir=out,
                doctreedir=source / ".doctrees",
                buildername="html",
                confoverrides=SETTINGS,
                status=None,
                warningiserror=False,
            )
            app.connect("doctree-read", forget_types_of_python)
            app.build(force_all=True)
    shutil.rmtree(out / ".doctrees", ignore_errors=True)
    print(f"{out / 'index.html'}: {len(list(out.rglob('*.html')))} pages, {app._warncount} warnings")
    return 1 if app._warncount else 0


# -- the documents --


def copy_documents(source: Path) -> None:
    """Copies all documents and their pictures. Links to files that are none of them lead to the project's home."""
    (source / "docs").mkdir()
    for path in DOCUMENTS:
        (source / path.relative_to(TREE)).write_text(turn_links(path), "utf-8")
    for picture in (*TREE.glob("docs/*.png"), *TREE.glob("docs/*.svg")):
        shutil.copy(picture, source / "docs")
    (source / "index.md").write_text(index(), "utf-8")


def turn_links(path: Path) -> str:
    """Returns the text of a document, with links between documents that stay in the site."""
    text = path.read_text("utf-8")
    up = "" if path.parent == TREE else "../"
    raw = HOME.replace("github.com", "raw.githubusercontent.com")
    text = re.sub(rf"{re.escape(HOME)}/blob/main/([\w./-]+\.md)", rf"{up}\1", text)
    text = text.replace(f"{up}docs/README.md", f"{up}index.md")
    if up:
        text = text.replace("](README.md", "](../index.md")
    text = re.sub(
        rf"(?:{re.escape(raw)}/main|{re.escape(HOME)}/blob/main)/(docs/[\w-]+\.(?:png|svg))", rf"{up}\1", text
    )

    def turn(found: re.Match[str]) -> str:
        target = (path.parent / found[1]).resolve()
        is_elsewhere = target.exists() and target not in [*DOCUMENTS, INDEX] and target.suffix not in (".png", ".svg")
        return f"]({HOME}/blob/main/{target.relative_to(TREE)}" if is_elsewhere else found[0]

    return re.sub(r"\]\(([^)\s#:]+)", turn, text)


def index() -> str:
    """Returns the first page: the documents by need, and the reference."""
    text = re.sub(r"\]\((\w[\w-]*\.md)", r"](docs/\1", turn_links(INDEX)).replace("](../", "](")
    trees: dict[str, list[str]] = {}
    for name, lines in re.findall(r"^## ([^:\n]+):[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        trees[name] = re.findall(r"^\|[^|]*?\]\(((?:docs/)?[\w-]+\.md)\)", lines, re.MULTILINE)
    trees["Reference"] = [f"reference/{package}.md" for package in PACKAGES]
    listed = {page for pages in trees.values() for page in pages}
    trees["Project"] = [name for path in DOCUMENTS if (name := str(path.relative_to(TREE))) not in listed]
    return text + "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {name}\n\n" + "\n".join(pages) + "\n```\n"
        for name, pages in trees.items()
    )


def forget_types_of_python(_: Sphinx, tree: nodes.document) -> None:
    """Lets no name of Python, such as `bytes`, become a link to a field of ours with that name."""
    for link in [*tree.findall(addnodes.pending_xref)]:
        if (name := link.get("reftarget")) in vars(builtins):
            is_type = link.next_node(addnodes.pending_xref_condition) is not None
            link.replace_self(nodes.Text(name) if is_type else link.children)


# -- the reference --


def write_reference(folder: Path) -> None:
    """Writes a page for each package and one for each of its names."""
    folder.mkdir()
    for package, title in PACKAGES.items():
        module = import_module(package)
        names = {name: getattr(module, name) for name in module.__all__}
        (folder / f"{package}.md").write_text(overview(module, title, names), "utf-8")
        for name, value in names.items():
            (folder / f"{package}.{name}.md").write_text(page(package, name, value), "utf-8")


MADE_BY_FUNCTIONS = {"Crawl", "Shared", "Jobs", "Client", "Daemon", "Listener", "Folder", "Served"}
"""Classes that programs do not make by themselves: what they are made of is nothing to readers."""
KINDS: dict[str, Callable[[object], bool]] = {
    "Functions": inspect.isroutine,
    "Errors": lambda one: isinstance(one, type) and issubclass(one, Exception),
    "Interfaces": lambda one: bool(getattr(one, "_is_protocol", False)),
    "Settings": lambda one: is_typeddict(one) or (isinstance(one, type) and issubclass(one, Table)),
    "Choices": lambda one: isinstance(one, type) and issubclass(one, Enum),
    "Classes": inspect.isclass,
    "Values and types": lambda one: True,
}
"""The headings of a package, and what stands below each: a name stands below the first that it fits."""


def overview(module: ModuleType, title: str, names: dict[str, object]) -> str:
    """Returns the page of a package: all names with their first sentence."""
    lines = [f"# {title}: `{module.__name__}`", "", inspect.getdoc(module) or ""]
    rest = dict(names)
    for heading, fits in KINDS.items():
        below = [name for name in rest if fits(rest[name])]
        if below:
            lines += ["", f"## {heading}", "", "| name | |", "|---|---|"]
            lines += [
                f"| [`{name}`]({module.__name__}.{name}.md) | {first_sentence(rest.pop(name))} |" for name in below
            ]
    return "\n".join([*lines, ""])


def first_sentence(value: object) -> str:
    """Returns what a name is, in a sentence."""
    if not (inspect.isroutine(value) or inspect.isclass(value)):
        return ""
    text = " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0].replace("|", "\\|")


def page(package: str, name: str, value: object) -> str:
    """Returns the page of one name. It stands in no table of contents: it is found by its package and by searching."""
    lines = ["---", "orphan: true", "---", "", f"# {name}", ""]
    if package != "crawler" and getattr(crawler, name, None) is value:
        return "\n".join([*lines, f"`{package}.{name}` is [`crawler.{name}`](crawler.{name}.md).", ""])
    lines += [f"[`{package}`]({package}.md)", "", "```{eval-rst}", f".. currentmodule:: {package}", ""]
    if is_typeddict(value):
        for table in bases_of(value):
            full = f"{package}.{name}" if table is value else f"{table.__module__}.{table.__name__}"
            lines += [
                f".. autoclass:: {full}",
                f"   :members: {', '.join(own_keys(table))}",
                "   :member-order: bysource",
                "",
            ]
    elif inspect.isclass(value) and issubclass(value, Table):
        for table in [f"{package}.{name}", *(f"{one.__module__}.{one.__name__}" for one in tables_in(value))]:
            lines += [
                f".. autoclass:: {table}(**settings)",
                *OPTIONS.splitlines(),
                "   :exclude-members: model_config",
                "",
            ]
    elif inspect.isclass(value) and value.__name__ == name:
        takes = "()" if name in MADE_BY_FUNCTIONS else ""
        lines += [f".. autoclass:: {package}.{name}{takes}", *OPTIONS.splitlines()]
    elif inspect.isroutine(value):
        lines += [f".. autofunction:: {package}.{name}"]
    elif inspect.ismodule(value):
        lines += [f".. automodule:: {package}.{name}", "   :members:"]
    else:
        shown = repr(value).replace("collections.abc.", "").replace("typing.", "")
        lines += [
            f".. py:data:: {name}",
            *([f"   :value: {shown}"] if " at 0x" not in shown[:60] else []),
            "",
        ]
        lines += [f"   {line}" for line in meaning_of(package, name, value)]
    return "\n".join([*lines, "```", ""])


def meaning_of(package: str, name: str, value: object) -> list[str]:
    """Returns the docstring of a value, which stands below it in its module."""
    for module, of in [*sys.modules.items()]:
        if module.startswith(f"{package}.") and vars(of).get(name) is value:
            for (_, one), lines in ModuleAnalyzer.for_module(module).find_attr_docs().items():
                if one == name:
                    return list(lines)
    return []


def bases_of(table: type) -> Iterator[type]:
    """Yields a table of keywords and those that it is made of. At run time Python 3.11 knows of none."""
    yield table
    for base in class_in_source(table).bases:
        if isinstance(base, ast.Name) and base.id != "TypedDict":
            yield from bases_of(getattr(sys.modules[table.__module__], base.id))


def own_keys(table: type) -> list[str]:
    """Returns the keys of a table of keywords without those of the tables that it is made of."""
    fields = [one.target for one in class_in_source(table).body if isinstance(one, ast.AnnAssign)]
    return [field.id for field in fields if isinstance(field, ast.Name)]


def class_in_source(table: type) -> ast.ClassDef:
    source = ast.parse(inspect.getsource(sys.modules[table.__module__]))
    return next(one for one in source.body if isinstance(one, ast.ClassDef) and one.name == table.__name__)


def tables_in(table: type[Table]) -> list[type[Table]]:
    """Returns the tables of settings within one."""
    kinds = [info.annotation for info in table.model_fields.values()]
    return [kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, Table)]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
