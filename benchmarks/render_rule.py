"""How `--render auto` decides: pages of saved documentation, which need no browser, and shells of frameworks, which do.

`docs` unpacks documentation of Debian (`apt-get download`) and reads 1,000 of its pages; at most 1 % may be rendered.
`shells` makes and builds applications with npm, crawls each with a browser, and all must be rendered and gain by it.
Both work in a temporary folder. They fetch packages with apt-get and npm, so no default run has them.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from aiohttp import web

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe
from crawler import Config, Url, stream
from crawler.assembly import parts
from crawler.parse import Document
from crawler.parse.outline import read_outline

PACKAGES = (
    "python3.11-doc", "postgresql-doc-15", "sqlite3-doc", "python-django-doc", "apache2-doc", "git-doc", "sphinx-doc",
    "libgtk-3-doc", "libglib2.0-doc", "debian-handbook", "debian-reference-en", "python-numpy-doc", "erlang-doc",
    "libstdc++-12-doc", "ruby3.1-doc", "openjdk-17-doc", "octave-doc", "gnupg-doc", "python-sqlalchemy-doc",
    "python-flask-doc", "python-jinja2-doc", "nodejs-doc", "rust-doc",
)  # fmt: skip
"""Documentation made by some fifteen programs: Sphinx, DocBook, Doxygen, javadoc, gtk-doc, rustdoc, or by hand."""
PAGES, MOST_A_PACKAGE, MOST_SHARE = 1000, 60, 0.01
VITE = ("vanilla", "react", "vue", "svelte", "preact", "lit", "solid", "qwik", "react-ts", "vue-ts", "svelte-ts")
NEXT_PAGE = """'use client';
import dynamic from 'next/dynamic';
const Shop = dynamic(() => import('./shop'), { ssr: false });
export default function Page() { return <Shop />; }
"""
NEXT_SHOP = """export default function Shop() {
  return <main><h1>Shop</h1>{[...Array(50).keys()].map(n => <a key={n} href={'/tea-' + n}>tea {n}</a>)}</main>;
}
"""
NUXT_APP = """<template><main><h1>Shop</h1>
<a v-for="n in 50" :key="n" :href="'/tea-' + n">tea {{ n }}</a></main></template>
"""
STEP_S = 580


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("docs", "shells"), default="")
    parser.add_argument("--frameworks", default="vite,cra,angular,nuxt,next", help="of the shells")
    parser.add_argument("--templates", default=",".join(VITE), help="of Vite")
    given = parser.parse_args(arguments or None)
    print(describe(PYTHON))
    with tempfile.TemporaryDirectory(prefix="crawld-rule-") as made:
        missed = [] if given.only == "shells" else [_docs(Path(made))]
        if given.only != "docs":
            missed.append(asyncio.run(_shells(Path(made), given.frameworks.split(","), given.templates.split(","))))
    return int(any(missed))


# -- pages that servers made ------------------------------------------------------------------------------------------


def _docs(folder: Path) -> bool:
    """Whether too many pages of documentation would be rendered."""
    pages: list[Path] = []
    for package in PACKAGES:
        if len(pages) >= PAGES:
            break
        pages += (found := _unpack(package, folder / package))
        print(f"{package:<24} {len(found):4} pages")
    pages = pages[:PAGES]
    counts, shown = Counter[str](), []
    config = Config()
    job = parts.job(config, parts.scope(config), b"rule")
    for path in pages:
        document = Document(Url("http://docs.test/x"), path.read_bytes(), "text/html")
        outline = read_outline(document, job)
        counts[outline.rendered_for] += 1
        if outline.rendered_for:
            shown.append(f"{outline.rendered_for}, {outline.words} words: {path.relative_to(folder)}")
    rendered = len(pages) - counts[""]
    print(*shown[:20], sep="\n")
    share = rendered / max(1, len(pages))
    print(
        f"{rendered} of {len(pages)} pages that servers made would be rendered: {share:.1%} (at most {MOST_SHARE:.0%})"
    )
    return share > MOST_SHARE or len(pages) < PAGES


def _unpack(package: str, folder: Path) -> list[Path]:
    """Returns some pages of a package, chosen by chance but always the same; none if it is not to be had."""
    folder.mkdir()
    got = subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, capture_output=True, check=False)
    files = list(folder.glob("*.deb"))
    if got.returncode or not files:
        return []
    subprocess.run(["dpkg", "-x", files[0], folder], check=True)
    pages = sorted(path for path in folder.rglob("*.html") if path.is_file() and not path.is_symlink())
    return Random(package).sample(pages, min(len(pages), MOST_A_PACKAGE))


# -- shells that scripts fill -----------------------------------------------------------------------------------------


async def _shells(folder: Path, frameworks: Sequence[str], templates: Sequence[str]) -> bool:
    """Whether a shell was not rendered, or gained nothing."""
    results = []
    for name, home in _built(folder, frameworks, templates):
        if home is None:
            print(f"{name:<20} could not be built")
            results.append(False)
            continue
        why, before, after = await _crawl(home)
        print(f"{name:<20} {why or 'not rendered':<14} {before} words and links raw, {after} rendered")
        results.append(bool(why) and after > before)
    print(f"{sum(results)} of {len(results)} shells were rendered and gained by it (all)")
    return not all(results)


def _built(folder: Path, frameworks: Sequence[str], templates: Sequence[str]) -> Iterator[tuple[str, Path | None]]:
    """Makes and builds applications; yields the folder of each one's files."""
    for template in templates if "vite" in frameworks else ():
        name = f"vite-{template}"
        made = [["npm", "create", "-y", "vite@latest", name, "--", "--template", template, "--no-interactive"],
                ["npm", "install", "--no-audit", "--no-fund"], ["npm", "run", "build"]]  # fmt: skip
        yield f"Vite {template}", _make(folder, name, made, "dist")
    if "cra" in frameworks:
        yield (
            "Create React App",
            _make(folder, "cra", [["npx", "-y", "create-react-app", "cra"], [], ["npm", "run", "build"]], "build"),
        )
    if "angular" in frameworks:
        new = ["npx", "-y", "@angular/cli@19", "new", "ng", "--defaults", "--skip-git", "--ssr=false"]
        yield "Angular", _make(folder, "ng", [new, [], ["npm", "run", "build"]], "dist/ng/browser")
    if "nuxt" in frameworks:
        files = {
            "package.json": '{"private": true, "type": "module"}',
            "nuxt.config.ts": "export default defineNuxtConfig({ ssr: false })\n", "app/app.vue": NUXT_APP,
        }  # fmt: skip
        new, install = ["mkdir", "-p", "nuxt/app"], ["npm", "install", "--no-audit", "--no-fund", "nuxt@4", "vue"]
        yield "Nuxt", _make(folder, "nuxt", [new, install, ["npx", "nuxi", "generate"]], ".output/public", files)
    if "next" in frameworks:
        new = ["npx", "-y", "create-next-app@latest", "next", "--js", "--app", "--no-eslint", "--no-tailwind",
               "--no-src-dir", "--yes", "--disable-git"]  # fmt: skip
        files = {
            "next.config.mjs": "export default { output: 'export' };\n", "app/page.js": NEXT_PAGE,
            "app/shop.js": NEXT_SHOP,
        }  # fmt: skip
        yield "Next", _make(folder, "next", [new, [], ["npx", "next", "build"]], "out", files)


def _make(
    folder: Path, name: str, steps: Sequence[Sequence[str]], out: str, files: dict[str, str] | None = None
) -> Path | None:
    """Runs the steps, the first one in `folder`, the others in what it made; returns the folder with the result."""
    home = folder / name
    environ = {**os.environ, "CI": "1", "NEXT_TELEMETRY_DISABLED": "1", "NG_CLI_ANALYTICS": "false",
               "NUXT_TELEMETRY_DISABLED": "1"}  # fmt: skip
    for number, step in enumerate(steps):
        if number == 1:
            for path, text in (files or {}).items():
                (home / path).write_text(text)
        if not step:
            continue
        try:
            ran = subprocess.run(
                step, cwd=home if number else folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, check=False, timeout=STEP_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            print(f"  {' '.join(step)}: longer than {STEP_S} s")
            return None
        if ran.returncode:
            print(f"  {' '.join(step)}: {(ran.stderr or ran.stdout).strip()[-300:]}")
            return None
    found = home / out
    return found if (found / "index.html").is_file() else None


async def _crawl(home: Path) -> tuple[str, int, int]:
    """Crawls a built application in `auto`; returns why it was rendered, and its words and links before and after."""
    async with _serving(home) as url:
        config = Config.model_validate(
            {
                "scope": {"max_depth": 0}, "politeness": {"delay_s": 0}, "fetch": {"allow_networks": ["127.0.0.0/8"]},
                "offload": {"executor": "inline"}, "render": {"mode": "auto", "page_timeout_s": 60},
            }
        )  # fmt: skip
        async with stream([url], config) as outcomes:
            [outcome] = [one async for one in outcomes]
        made = outcome.response.rendered if outcome.response else None
        before, after = _weigh((home / "index.html").read_bytes()), _weigh(made.html if made else b"")
        return (made.why if made and not made.trouble else ""), before, after


def _weigh(body: bytes) -> int:
    config = Config()
    outline = read_outline(
        Document(Url("http://docs.test/x"), body, "text/html"), parts.job(config, parts.scope(config), b"rule")
    )
    return outline.words + len(outline.links)


@asynccontextmanager
async def _serving(home: Path) -> AsyncIterator[str]:
    """Serves a folder on loopback; a path without a file gets the shell."""

    async def answer(request: web.Request) -> web.StreamResponse:
        path = (home / request.path.lstrip("/")).resolve()
        if not path.is_relative_to(home.resolve()) or not path.is_file():
            path = home / "index.html"
        if request.path == "/robots.txt":
            return web.Response(status=404)
        return web.FileResponse(path)

    site = web.Application()
    site.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(site)
    await runner.setup()
    try:
        place = web.TCPSite(runner, "127.0.0.1", 0)
        await place.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
