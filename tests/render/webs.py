# ruff: noqa: E501 - lines of other languages
"""Webs whose pages are made by scripts, and a canary that hears what gets past the crawl's own fetcher."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import pytest

from crawler.render.find import NAMES
from crawler.testing import Page, Site, Web, plain, redirect, written

CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium: install it (apt-get install chromium) to test rendering"
)
QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0}

APP = """
const response = await fetch('/_content' + location.pathname + location.search);
const made = new DOMParser().parseFromString(await response.text(), 'text/html');
document.title = made.title;
document.documentElement.lang = made.documentElement.lang;
document.getElementById('root').append(...made.body.childNodes);
"""
SHELL = """<!doctype html><html><head><meta charset="utf-8"><script type="module" src="/app.js"></script></head>
<body><noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body></html>"""


def script(text: str) -> Page:
    return plain(text, "text/javascript; charset=utf-8")


def made_by_scripts(web: Web) -> Web:
    """The same web, each page of which is a shell that a script fills: with scripts, the truth about it holds."""
    return Web([replace(site, pages=_shelled(site.pages)) for site in web.sites], web._seeds)


def _shelled(pages: Mapping[str, Page]) -> dict[str, Page]:
    shells: dict[str, Page] = {"/app.js": script(APP)}
    for target, page in pages.items():
        if page.title is None or page.status != 200:
            shells[target] = page
            continue
        shells[f"/_content{target}"] = page
        shells[target] = replace(written(SHELL), title=page.title, links=page.links)
    return shells


def page_of(body: str, files: Mapping[str, Page] = MappingProxyType({}), head: str = "") -> Web:
    """One page with this body, and files beside it by their names."""
    text = f'<!doctype html><html><head><meta charset="utf-8"><title>t</title>{head}</head><body>{body}</body></html>'
    return Web([Site("a.test", {"/": written(text), **{f"/{name}": page for name, page in files.items()}})])


# -- the canary -------------------------------------------------------------------------------------------------------


@dataclass
class Canary:
    """A port of this machine that nobody should reach."""

    port: int = 0
    heard: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def open_canary() -> AsyncIterator[Canary]:
    """Listens for TCP and UDP on one port of 127.0.0.1."""
    canary = Canary()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        canary.heard.append(f"tcp {(await reader.read(200))[:80]!r}")
        writer.close()

    class Datagrams(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            canary.heard.append(f"udp {len(data)} bytes")

    server = await asyncio.start_server(hear, "127.0.0.1")
    canary.port = server.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Datagrams, local_addr=("127.0.0.1", canary.port)
    )
    try:
        yield canary
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


def escaping(canary: Canary) -> Web:
    """A page that tries every way out."""
    host, url = canary.host, f"http://{canary.host}"
    rules = f'{{"prefetch":[{{"source":"list","urls":["{url}/spec"]}}],"prerender":[{{"source":"list","urls":["{url}/pre"]}}]}}'
    head = f"""
<link rel="dns-prefetch" href="//{host}"><link rel="preconnect" href="{url}"><link rel="prefetch" href="{url}/prefetch">
<link rel="preload" as="fetch" href="{url}/preload"><link rel="modulepreload" href="{url}/module.js">
<link rel="stylesheet" href="{url}/css"><link rel="manifest" href="{url}/manifest"><link rel="icon" href="{url}/icon">
<meta http-equiv="refresh" content="3; url={url}/refresh"><script type="speculationrules">{rules}</script>"""
    body = f"""
<iframe src="{url}/frame"></iframe><img src="{url}/img"><video src="{url}/video" autoplay></video>
<object data="{url}/object"></object><embed src="{url}/embed"><a id="ping" href="/" ping="{url}/ping">x</a>
<a id="down" href="{url}/download" download>d</a><form id="form" method="post" target="_blank" action="{url}/form"></form>
<iframe src="file:///etc/passwd"></iframe><div id="root"></div><p>{"word " * 100}</p>
<script>
const U = '{url}', H = '{host}', tried = [];
const attempt = (name, work) => {{ try {{ Promise.resolve(work()).catch(() => 0); tried.push(name); }} catch (e) {{ tried.push(name + '!'); }} }};
attempt('websocket', () => new WebSocket('ws://' + H + '/ws'));
attempt('beacon', () => navigator.sendBeacon(U + '/beacon', 'x'));
attempt('eventsource', () => new EventSource(U + '/sse'));
attempt('keepalive', () => fetch(U + '/keepalive', {{keepalive: true, mode: 'no-cors'}}));
attempt('xhr', () => {{ const x = new XMLHttpRequest(); x.open('GET', U + '/xhr'); x.setRequestHeader('x-y', '1'); x.send(); }});
attempt('worker', () => new Worker(URL.createObjectURL(new Blob([
  "fetch('" + U + "/worker',{{mode:'no-cors'}}).catch(()=>0);try{{new WebSocket('ws://" + H + "/ws2')}}catch(e){{}};importScripts('" + U + "/imp')"]))));
attempt('shared', () => new SharedWorker(URL.createObjectURL(new Blob([
  "fetch('" + U + "/shared',{{mode:'no-cors'}}).catch(()=>0);try{{new WebSocket('ws://" + H + "/ws3')}}catch(e){{}}"]))));
attempt('sharedfile', () => new SharedWorker('/shared.js'));
attempt('service', () => navigator.serviceWorker.register('/sw.js'));
attempt('popup', () => window.open(U + '/popup'));
attempt('rtc', () => {{ const p = new RTCPeerConnection({{iceServers: [{{urls: 'stun:' + H}},
  {{urls: 'turn:' + H + '?transport=tcp', username: 'a', credential: 'b'}}]}});
  p.createDataChannel('x'); return p.createOffer().then(o => p.setLocalDescription(o)); }});
attempt('webtransport', () => new WebTransport('https://' + H + '/wt'));
attempt('redirect', () => fetch('/redir'));
attempt('form', () => document.getElementById('form').submit());
attempt('ping', () => document.getElementById('ping').click());
attempt('download', () => document.getElementById('down').click());
attempt('file', () => fetch('file:///etc/passwd'));
attempt('import', () => import(U + '/import.js'));
attempt('filesystem', () => window.open('file:///etc/passwd'));
attempt('css', () => {{ const s = document.createElement('style'); s.textContent = '@import url(' + U + '/css2);@font-face{{font-family:f;src:url(' + U + '/font)}} body{{font-family:f;background:url(' + U + '/bg)}}'; document.head.append(s); }});
setTimeout(() => {{ document.title = tried.join(' '); }}, 300);
setTimeout(() => {{ location.href = U + '/moved'; }}, 900);
</script>"""
    worker = f"fetch('{url}/sw',{{mode:'no-cors'}}).catch(()=>0);self.addEventListener('install',()=>fetch('{url}/sw2',{{mode:'no-cors'}}).catch(()=>0))"
    files = {"sw.js": script(worker), "shared.js": script(worker), "redir": redirect(f"{url}/redirected", 302)}
    return Web([replace(page_of(body, files, head).sites[0], address="127.0.0.2")])
