# ruff: noqa: E501 - lines of another language
"""Holds the script that takes steps on a page: it refuses consent, scrolls, asks for more, follows states."""

from __future__ import annotations

import json
from collections.abc import Sequence

REFUSING_IDS = (
    "#onetrust-reject-all-handler", "#CybotCookiebotDialogBodyButtonDecline", "#CybotCookiebotDialogBodyLevelButtonLevelOptinDeclineAll",
    "#didomi-notice-disagree-button", "[data-testid=uc-deny-all-button]", "#uc-btn-deny-banner", ".cky-btn-reject",
    ".cmplz-deny", ".iubenda-cs-reject-btn", ".osano-cm-denyAll", ".cm-btn-decline", ".cc-deny", ".t-declineAllButton",
    "#tarteaucitronAllDenied2", "#axeptio_btn_dismiss", "#truste-consent-required", "#hs-eu-decline-button",
)  # fmt: skip
"""Buttons that refuse, in the consent walls of common makers."""
REFUSING_WORDS = (
    "reject", "reject all", "reject all cookies", "reject cookies", "reject optional cookies", "reject additional cookies",
    "reject non-essential cookies", "reject non-essential", "decline", "decline all", "decline cookies", "deny", "deny all",
    "refuse", "refuse all", "disagree", "only necessary", "necessary only", "necessary cookies only", "only essential",
    "essential only", "essential cookies only", "use necessary cookies only", "only necessary cookies",
    "continue without accepting", "no, thanks", "no thanks",
    "ablehnen", "alle ablehnen", "alles ablehnen", "cookies ablehnen", "nur notwendige", "nur notwendige cookies",
    "nur erforderliche", "nur erforderliche cookies", "nur essenzielle cookies", "weiter ohne einwilligung",
    "refuser", "tout refuser", "refuser tout", "continuer sans accepter", "rechazar", "rechazar todo", "rechazar todas",
    "solo necesarias", "rifiuta", "rifiuta tutto", "rifiuta tutti", "continua senza accettare", "weigeren",
    "alles weigeren", "alles afwijzen", "alleen noodzakelijk", "alleen noodzakelijke cookies", "rejeitar",
    "rejeitar tudo", "rejeitar todos", "recusar", "recusar tudo", "odrzuć", "odrzuć wszystkie", "odrzuć wszystko",
    "avvisa alla", "neka alla", "afvis alle", "avvis alle", "hylkää kaikki", "拒否する", "すべて拒否", "全部拒绝", "拒绝",
)  # fmt: skip
"""Words on such buttons. They count only beside words about consent."""
MORE_WORDS = (
    "load more", "show more", "view more", "see more", "more results", "more articles", "more posts", "more products",
    "mehr laden", "mehr anzeigen", "weitere laden", "weitere anzeigen", "voir plus", "afficher plus", "charger plus",
    "cargar más", "ver más", "mostrar más", "carica altro", "carica altri", "mostra altro", "mostra di più",
    "meer laden", "toon meer", "meer weergeven", "carregar mais", "ver mais", "mostrar mais", "pokaż więcej",
    "załaduj więcej", "visa fler", "vis mere", "vis mer", "もっと見る", "さらに表示", "加载更多", "查看更多",
)  # fmt: skip
"""Words on buttons that load more. Another word or two may follow."""

_SCRIPT = r"""
(() => {
  if (globalThis.crawld) return;
  const REFUSING_IDS = $REFUSING_IDS, REFUSING_WORDS = new Set($REFUSING_WORDS), MORE_WORDS = $MORE_WORDS;
  const MOST_HREFS = 5000, MOST_SCREENS = 200, MOST_LOOKED_AT = 20000;
  const ABOUT_CONSENT = /cookie|consent|einwillig|datenschutz|privacy|gdpr|rgpd|privacidad|confidentialit|samtykke|クッキー|隐私/i;
  const seen = new Set(), spent = new WeakMap(), pressed = new Set();
  const words = (one) => (one.innerText || one.value || one.getAttribute('aria-label') || '').slice(0, 200).trim().toLowerCase()
    .replace(/\s+/g, ' ').replace(/[\s.…»›>+▾▼↓]+$/, '');
  const isShown = (one) => one.getClientRects().length > 0 && (!one.checkVisibility || one.checkVisibility({visibilityProperty: true}))
    && !one.disabled && one.getAttribute('aria-disabled') !== 'true';
  const roots = () => {
    const found = [document];
    for (let i = 0, left = MOST_LOOKED_AT; i < found.length; i++)
      for (const walker = document.createTreeWalker(found[i], 1); left-- > 0 && walker.nextNode();)
        if (walker.currentNode.shadowRoot) found.push(walker.currentNode.shadowRoot);
    return found;
  };
  const all = (selector) => {
    const found = [];
    for (const root of roots()) for (const one of root.querySelectorAll(selector)) if (found.length < MOST_LOOKED_AT) found.push(one);
    return found;
  };
  const leadsAway = (one) => {
    const link = one.closest('a[href]');
    return !!link && /^https?:$/.test(link.protocol) && link.href.split('#')[0] !== location.href.split('#')[0];
  };
  const isAboutConsent = (one) => {
    for (let up = one, levels = 0; up && levels < 10; levels++, up = up.parentElement || (up.getRootNode() || {}).host) {
      const text = up.textContent || '';
      if (text.length > 6000) return false;
      if (ABOUT_CONSENT.test(text.length < 200 ? text + up.id + up.className : text)) return true;
    }
    return false;
  };
  const note = (href) => { if (seen.size < MOST_HREFS && /^https?:/.test(href)) seen.add(href); };
  const noteLinks = () => { for (const one of document.links) note(one.href); };
  const BUTTONS = 'button,[role=button],input[type=button],a';
  const look = () => {
    const top = document.documentElement;
    return [document.getElementsByTagName('*').length, top ? top.scrollHeight : 0, top ? (top.textContent || '').length : 0, location.href].join(' ');
  };
  const isWanted = (text) => MORE_WORDS.some((one) => text === one || (text.startsWith(one) && text.length <= one.length + 25));
  const stateOf = (one) => {
    const href = one.getAttribute('href');
    if (href && href.startsWith('#') && href.length > 1) {
      let name = href.slice(1);
      try { name = decodeURIComponent(name); } catch (error) {}
      if (document.getElementById(name) || document.getElementsByName(name).length || name === 'top') return '';
    }
    return (href || '') + ' ' + words(one);
  };
  const box = () => {
    const top = document.scrollingElement || document.documentElement;
    if (top.scrollHeight > top.clientHeight + 50) return top;
    for (const one of document.querySelectorAll('main,div,section,ul,ol'))
      if (one.clientHeight > innerHeight / 2 && one.scrollHeight > one.clientHeight + 50
        && /auto|scroll/.test(getComputedStyle(one).overflowY)) return one;
    return top;
  };
  globalThis.crawld = {
    look,
    refuse() {
      for (const selector of REFUSING_IDS)
        for (const one of all(selector)) if (isShown(one)) { one.click(); return words(one) || selector; }
      for (const one of all(BUTTONS))
        if (REFUSING_WORDS.has(words(one)) && isShown(one) && !leadsAway(one) && isAboutConsent(one)) { one.click(); return words(one); }
      return '';
    },
    more(selector) {
      const found = selector ? all(selector) : all(BUTTONS).filter((one) => !one.closest('form') && !leadsAway(one) && isWanted(words(one)));
      const now = look();
      for (const one of found) {
        if (!isShown(one) || spent.get(one) === now) continue;
        spent.set(one, now);
        noteLinks();
        one.click();
        return true;
      }
      return false;
    },
    async scroll() {
      const one = box(), end = one.scrollHeight;
      noteLinks();
      for (let screens = 0; screens < MOST_SCREENS; screens++) {
        const before = one.scrollTop;
        one.scrollTop = before + Math.max(one.clientHeight, 200);
        await new Promise((done) => setTimeout(done, 20));
        noteLinks();
        if (one.scrollTop <= before || one.scrollTop + one.clientHeight >= end) break;
      }
      return true;
    },
    press() {
      for (const one of all('a:not([href]),a[href^="#"],a[href^="javascript:"],[role=link],[role=tab]')) {
        if (one.closest('form') || !isShown(one)) continue;
        const state = stateOf(one);
        if (!state || pressed.has(state)) continue;
        pressed.add(state);
        noteLinks();
        globalThis.crawldBefore = location.href;
        one.click();
        return true;
      }
      return false;
    },
    back() {
      const before = globalThis.crawldBefore;
      noteLinks();
      if (location.href === before) return false;
      if (location.href.split('#')[0] !== before.split('#')[0]) note(location.href);
      history.back();
      return true;
    },
    found() {
      const there = new Set();
      for (const one of document.links) there.add(one.href);
      return [...seen].filter((href) => !there.has(href));
    },
  };
})()
"""


def _fill(script: str, **lists: Sequence[str]) -> str:
    for name, values in lists.items():
        script = script.replace(f"${name}", json.dumps(list(values), ensure_ascii=False))
    return script


SCRIPT = _fill(_SCRIPT, REFUSING_IDS=REFUSING_IDS, REFUSING_WORDS=REFUSING_WORDS, MORE_WORDS=MORE_WORDS)
"""Makes the object `crawld` in a world of its own, where no script of the page sees it."""
