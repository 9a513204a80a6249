# ruff: noqa: E501 - lines of other languages
"""Pages whose scripts misbehave. Each of them may cost itself, and nothing else."""

from __future__ import annotations

from crawler.testing import Page, Site, Web, redirect, written

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
    "timers": "for (let i = 0; i < 1e5; i++) setInterval(() => 1, 0); document.title = 'timers'",
    "timers-without-end": "(function again() { document.title = 'ticks'; setTimeout(again, 0); setTimeout(again, 0); })()",
    "microtasks": "(function again() { Promise.resolve().then(again); })()",
    "frames-of-animation": "(function again() { document.body.style.width = Math.random() * 9e3 + 'px'; requestAnimationFrame(again); })()",
    "giant-tree": "document.body.innerHTML = '<p><b>x</b><a href=/good>x</a></p>'.repeat(3e5)",
    "deep-tree": "let e = document.body; for (let i = 0; i < 2e5; i++) { const d = document.createElement('div'); e.append(d); e = d; }",
    "attributes": "for (let i = 0; i < 3e5; i++) document.body.setAttribute('a' + i, 'x'.repeat(99))",
    "svg-bomb": "let s = '<svg><defs><g id=a0><rect/></g>'; for (let i = 1; i < 30; i++) s += `<g id=a${i}>${`<use href=#a${i-1} />`.repeat(9)}</g>`; document.body.innerHTML = s + '</defs><use href=#a29 /></svg>'",
    "expression": "/^(a+)+$/.test('a'.repeat(60) + '!')",
    "redirects": "fetch('/endless/').catch(() => document.title = 'gave up'); document.body.append(Object.assign(document.createElement('iframe'), {src: '/endless/'}))",
    "goes-on-for-ever": "location.href = '/endless/'",
    "hashes": "for (;;) location.hash = Math.random()",
    "blobs": "const k = []; for (let i = 0; i < 400; i++) k.push(new Blob([new Uint8Array(2e7).fill(i)])); document.title = 'blobs'",
    "storage": "try { for (let i = 0; ; i++) localStorage.setItem('k' + i, 'x'.repeat(1e5)); } catch { document.title = 'full'; }",
    "database": "const r = indexedDB.open('x'); r.onupgradeneeded = () => r.result.createObjectStore('s'); r.onsuccess = () => { const put = i => { const t = r.result.transaction('s', 'readwrite'); t.objectStore('s').put(new Uint8Array(2e7), i); t.oncomplete = () => put(i + 1); }; put(0); }",
    "cookies": "for (let i = 0; i < 1e4; i++) document.cookie = `c${i}=${'x'.repeat(3000)}`; document.title = 'cookies'",
    "messages": "const c = new MessageChannel(); c.port1.onmessage = () => { c.port2.postMessage(new Uint8Array(1e6)); c.port2.postMessage(1); }; c.port2.postMessage(1)",
    "channels": "const a = new BroadcastChannel('x'), b = new BroadcastChannel('x'); b.onmessage = () => { a.postMessage('x'.repeat(1e5)); a.postMessage(1); }; a.postMessage(1)",
    "console": "for (;;) console.log('x'.repeat(1e6))",
    "service-worker": "navigator.serviceWorker.register('/good.js').catch(() => 0); document.title = 'registered'",
    "shared-workers": f"for (let i = 0; i < 30; i++) new SharedWorker(URL.createObjectURL(new Blob(['{ENDLESS}'])), 'w' + i)",
    "empty-windows": "for (;;) window.open('about:blank')",
    "leaves-slowly": f"addEventListener('pagehide', () => {{ {ENDLESS} }}); addEventListener('unload', () => {{ {ENDLESS} }}); document.title = 'stays'",
    "keeps-its-tab": "navigation.addEventListener('navigate', e => e.preventDefault()); document.title = 'kept'",
}  # fmt: skip
"""What the scripts of a page do, by its name."""


def endless(target: str) -> Page:
    """A redirect to a place that redirects further."""
    return redirect(f"{target}x/")


def hostile(name: str, *more: str) -> Web:
    """A page with such a script, and a good one beside it."""
    text = "<!doctype html><html><head><title>t</title></head><body><div id=root></div><a href='/good'>good</a>"
    pages: dict[str, Page] = {
        f"/{one}": written(f"{text}<script>{PAGES[one]}</script></body></html>") for one in (name, *more)
    }
    pages["/good"] = written(f"{text}<script src=/good.js></script></body></html>")
    pages["/good.js"] = script("document.title = 'good'")
    seeds = [f"http://a.test/{one}" for one in (name, *more)]
    return Web([Site("a.test", pages, traps={"/endless/": endless})], [*seeds, "http://a.test/good"])
