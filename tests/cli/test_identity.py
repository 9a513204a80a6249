"""`crawl identity`, and crawls whose requests are signed: what a site sees, and checks by what is published."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tests.cli.conftest import ALLOWED, Crawl
from tests.fetch.conftest import ok
from tests.fetch.test_tls import server_context
from tests.identity.test_signing import AGENT, check, listening
from tests.render.webs import CHROMIUM

SHELL = b"<!doctype html><title>app</title><div id=root></div><script src=/app.js></script>"


async def test_a_crawl_signs_its_requests_and_a_site_can_check_them(tmp_path: Path, crawl: Crawl) -> None:
    heads: list[str] = []
    async with listening(heads, server_context()) as port:
        command = (
            f"https://127.0.0.1:{port}/", *ALLOWED, "-q", "--set", "fetch.verify_tls=false", "--set",
            "identity.key_file=identity.pem", "--set", f"identity.signature_agent={AGENT}", "--warc",
        )  # fmt: skip
        ran = await crawl(*command)
        assert (ran.code, "`crawl identity new identity.pem` makes a key" in ran.err, heads) == (2, True, [])
        assert (await crawl("identity", "new")).code == 0
        ran = await crawl(command[0], *ALLOWED, "-q", "--set", "identity.key_file=identity.pem")
        assert (ran.code, "needs identity.signature_agent" in ran.err, heads) == (2, True, [])
        ran = await crawl(*command)
        assert ran.code == 0, ran.err
    published = (await crawl("identity", "directory")).out.encode()
    assert [head.split(" ")[1] for head in heads] == ["/robots.txt", "/"]
    for head in heads:
        assert check(head, f"127.0.0.1:{port}", published)["tag"] == "web-bot-auth"
    kept = (tmp_path / "identity.pem").read_text().split("\n")[1]
    for file in tmp_path.rglob("*.crawl/**/*"):
        assert kept.encode() not in (file.read_bytes() if file.is_file() else b""), file


async def test_sitemaps_redirects_and_what_rendered_pages_ask_for_are_signed_too(tmp_path: Path, crawl: Crawl) -> None:
    heads: list[str] = []
    answers: dict[str, bytes] = {}
    async with listening(heads, server_context(), answers) as port:
        site = f"https://127.0.0.1:{port}"
        answers |= {
            "/robots.txt": ok(f"Sitemap: {site}/map.xml".encode()),
            "/map.xml": ok(f"<urlset><url><loc>{site}/listed</loc></url></urlset>".encode(), b"Content-Type: text/xml"),
            "/": b"HTTP/1.1 302 Found\r\nLocation: /moved\r\nContent-Length: 0\r\n\r\n",
            "/moved": ok(SHELL, b"Content-Type: text/html"),
            "/app.js": ok(
                b"fetch('/data.json').then(r => document.body.append('ready'))", b"Content-Type: text/javascript"
            ),
        }
        rendering = ("--render", "auto") if CHROMIUM else ()
        await crawl("identity", "new")
        ran = await crawl(
            f"{site}/", *ALLOWED, "-q", "--set", "fetch.verify_tls=false", "--set", "identity.key_file=identity.pem",
            "--set", f"identity.signature_agent={AGENT}", "--sitemaps", "--warc", *rendering,
        )  # fmt: skip
        assert ran.code == 0, ran.err
    published = (await crawl("identity", "directory")).out.encode()
    asked = {head.split(" ")[1] for head in heads}
    made_by_scripts = {"/app.js", "/data.json"} if CHROMIUM else set()
    assert asked == {"/robots.txt", "/map.xml", "/listed", "/", "/moved"} | made_by_scripts
    for head in heads:
        assert check(head, f"127.0.0.1:{port}", published)["tag"] == "web-bot-auth"
    archived = b"".join(gzip.decompress(file.read_bytes()) for file in tmp_path.rglob("*.warc.gz")).decode("latin-1")
    for head in heads:
        assert head in archived, "archives keep the fields as they were sent"


async def test_what_is_published_comes_from_the_key(crawl: Crawl) -> None:
    await crawl("identity", "new")
    shown = json.loads((await crawl("identity", "show")).out)
    [key] = json.loads((await crawl("identity", "directory")).out)["keys"]
    assert {**shown, "use": "sig", "alg": "EdDSA"} == key
    page = await crawl("identity", "page", "--name", "bot", "--contact", "me@bot.example", "--agent", AGENT)
    assert (page.code, shown["kid"] in page.out, "User-agent: bot" in page.out) == (0, True, True), page.err
    ran = await crawl("identity", "page", "--contact", "me@bot.example", "--agent", "bot.example")
    assert (ran.code, "should be an origin without a path, like https://bot.example.org" in ran.err) == (2, True)
    ran = await crawl("identity", "page", "--agent", AGENT)
    assert (ran.code, "--contact" in ran.err) == (2, True), ran.err
