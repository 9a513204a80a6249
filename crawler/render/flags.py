"""Lists the switches that the browser is started with: no network, nothing on its own account, little memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

DEAD_PROXY = "http://127.0.0.1:9"
"""A proxy at a port where nothing listens (discard, RFC 863): a request that reaches the network ends there."""

_NO_NETWORK = (
    f"--proxy-server={DEAD_PROXY}",
    "--proxy-bypass-list=<-loopback>",  # else loopback goes around the proxy
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--dns-prefetch-disable",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",  # --force-webrtc-... is ignored since 2025
    "--disable-quic",
)
_NOTHING_ON_ITS_OWN = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-service-autorun",
    "--password-store=basic",
    "--use-mock-keychain",
    "--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,InterestFeedContentSuggestions,"
    "AutofillServerCommunication,CertificateTransparencyComponentUpdater,PrivacySandboxSettings4,"
    "SharedDictionaryCompression,SpareRendererForSitePerProcess,GlobalMediaControls,WebUSB,WebBluetooth,BackForwardCache",
)
_AS_A_PAGE_IN_FRONT = (
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-prompt-on-repost",
    "--block-new-web-contents",
)
_LITTLE = (
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disk-cache-size=1",
    "--media-cache-size=1",
    "--mute-audio",
    "--hide-scrollbars",
    "--window-size=1280,1024",
)


def command(
    program: str,
    profile: Path,
    *,
    has_sandbox: bool,
    heap_mb: int,
    shows_images: bool,
    agent: str,
    has_shared_memory: bool,
) -> Sequence[str]:
    """Returns the command that starts the browser. `heap_mb`: the most memory that the scripts of one page may take."""
    return (
        program,
        "--headless=new",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
        *_NO_NETWORK,
        *_NOTHING_ON_ITS_OWN,
        *_AS_A_PAGE_IN_FRONT,
        *_LITTLE,
        f"--js-flags=--max-old-space-size={heap_mb}",
        f"--user-agent={agent}",
        *(() if has_shared_memory else ("--disable-dev-shm-usage",)),
        *(() if shows_images else ("--blink-settings=imagesEnabled=false",)),
        *(() if has_sandbox else ("--no-sandbox",)),
        "--no-startup-window",  # a window of its own would take 70 MB and half a second
    )
