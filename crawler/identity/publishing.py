"""Makes what the owner of a crawler publishes about it: the directory of its key, and a page for owners of sites."""

from __future__ import annotations

import json
from html import escape

from .keys import Identity

DIRECTORY_PATH = "/.well-known/http-message-signatures-directory"
DIRECTORY_TYPE = "application/http-message-signatures-directory+json"


def make_key_directory(identity: Identity) -> bytes:
    """Returns the public key as the JWK Set that verifiers fetch from DIRECTORY_PATH (JSON, RFC 7517)."""
    key = {**identity.jwk, "kid": identity.thumbprint, "use": "sig", "alg": "EdDSA"}
    return json.dumps({"keys": [key]}, indent=2).encode() + b"\n"


def make_contact_page(identity: Identity, *, name: str, contact: str, agent: str, purpose: str = "") -> str:
    """Returns a page (HTML) to which the User-Agent of a crawler should link.

    It tells owners of sites who asks, how to be left alone, and how to check that a request is really ours. `name` is
    the word by which robots.txt addresses the crawler, `agent` the origin of the key directory.
    """
    said = {
        "name": name, "contact": contact, "link": _link(contact), "agent": agent, "purpose": purpose,
        "directory": agent + DIRECTORY_PATH, "thumbprint": identity.thumbprint,
    }  # fmt: skip
    shown = {key: escape(value) for key, value in said.items()}
    reason = f"<p>{shown['purpose']}</p>\n" if purpose else ""
    return _PAGE.format_map(shown | {"reason": reason})


def _link(contact: str) -> str:
    return f"mailto:{contact}" if "@" in contact and ":" not in contact else contact


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>About {name}, a web crawler</title>
<style>
body {{ max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }}
pre {{ padding: .7rem; background: #8881; overflow-x: auto; }}
code {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>About {name}</h1>
<p>{name} is a web crawler. You have probably found its name in the log of your server.</p>
{reason}<h2>How to reach us</h2>
<p>Write to <a href="{link}">{contact}</a>. Tell us the address of your site, and what you want changed.</p>
<h2>How to keep it away</h2>
<p>{name} obeys robots.txt. These lines keep it from your whole site:</p>
<pre>User-agent: {name}
Disallow: /</pre>
<p>These lines let it in, and make it wait ten seconds between requests:</p>
<pre>User-agent: {name}
Crawl-delay: 10</pre>
<h2>How to check that it is us</h2>
<p>Anybody can use our name. Our requests over HTTPS are signed, and nobody else can make such a signature: see
<code>Signature-Agent</code>, <code>Signature-Input</code> and <code>Signature</code> in their header (HTTP Message
Signatures, RFC 9421, with the tag <code>web-bot-auth</code>). The public key stands at
<a href="{directory}"><code>{directory}</code></a>; its thumbprint is <code>{thumbprint}</code>.</p>
</body>
</html>
"""
