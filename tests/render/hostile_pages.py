# ruff: noqa: E501 - lines of other languages
"""Pages whose scripts misbehave. Each of them may cost itself, and nothing else."""

from __future__ import annotations

from crawler.testing import Page, Site, Web, written

from .webs import script

ENDLESS = "for (;;) {}"
PAGES = {
    "loop": ENDLESS,
    "loop-later": f"document.title = 'before'; setTimeout(() => {{ {ENDLESS} }}, 200)",
    "alerts": "for (;;) alert('x')",
    "confirms": "while (!confirm('stay?')) ; document.title = 'after'",
    "heap": "const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random()))",
    "buffers": "const kept = []; for (;;) kept.push(new Uint8Array(5e7).fill(1))",
    "elements": "for (;;) document.body.append(document.createElement('div'))",
    "text": "let s = 'x'; for (;;) { s += s; document.body.append(s); }",
    "windows": "for (let i = 0; i < 1000; i++) window.open('/w' + i); document.title = 'opened'",
    "downloads": "for (let i = 0; i < 100; i++) { const a = document.createElement('a'); a.href = 'data:application/zip,x'; "
                 "a.download = 'f' + i; a.click(); }",
    "reloads": "location.reload()",
    "moves": "location.href = '/moves?' + Math.random()",
    "history": "for (let i = 0; i < 1e5; i++) history.pushState({}, '', '/h' + i)",
    "requests": "for (let i = 0; i < 5000; i++) fetch('/r' + i)",
    "polling": "setInterval(() => fetch('/poll?' + Math.random()), 50); document.title = 'polls'",
    "workers": f"for (let i = 0; i < 50; i++) new Worker(URL.createObjectURL(new Blob(['{ENDLESS}'])))",
    "unload": "addEventListener('beforeunload', e => { e.preventDefault(); for (;;) {} }); location.href = '/elsewhere'",
    "frames": "function f(d) { const e = document.createElement('iframe'); d.body.append(e); f(e.contentDocument); } f(document)",
    "write": "document.open(); document.write('<title>written</title><p>all anew'); document.close()",
    "patched": "Object.defineProperty(document, 'documentElement', {get() { for (;;) {} }}); "
               "Element.prototype.getHTML = () => { for (;;) {} }; JSON.stringify = () => { for (;;) {} }",
    "surrogates": "document.title = 'a\\ud800b'; document.body.append('\\udfff')",
    "print": "print(); document.title = 'printed'",
    "sync": "const x = new XMLHttpRequest(); x.open('GET', '/never', false); try { x.send() } catch (e) {} document.title = 'sent'",
    "wasm": "const m = new WebAssembly.Memory({initial: 1, maximum: 65536}); for (;;) { m.grow(1000); new Uint8Array(m.buffer).fill(1); }",
    "canvas": "const k = []; for (;;) { const c = new OffscreenCanvas(8000, 8000); c.getContext('2d').fillRect(0,0,8000,8000); k.push(c); }",
}  # fmt: skip
"""What the scripts of a page do, by its name."""


def hostile(name: str, *more: str) -> Web:
    """A page with such a script, and a good one beside it."""
    text = "<!doctype html><html><head><title>t</title></head><body><div id=root></div><a href='/good'>good</a>"
    pages: dict[str, Page] = {
        f"/{one}": written(f"{text}<script>{PAGES[one]}</script></body></html>") for one in (name, *more)
    }
    pages["/good"] = written(f"{text}<script src=/good.js></script></body></html>")
    pages["/good.js"] = script("document.title = 'good'")
    return Web([Site("a.test", pages)], [f"http://a.test/{one}" for one in (name, *more)] + ["http://a.test/good"])
