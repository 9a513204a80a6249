"""Writes what an audit shows of one site in a paragraph for the owner of that site."""

from __future__ import annotations

from ..runtime.counting import many
from ..runtime.times import iso
from .verdicts import Proof, SiteVerdict


def write_letter(proof: Proof, site: SiteVerdict) -> str:
    """Returns one paragraph in plain words, with the figures and the seal that can be checked later."""
    n = many(site.requests, "request")
    said = [
        f"Between {iso(site.first_at)} and {iso(site.last_at)} our crawler, which calls itself {proof.user_agent!r}, "
        f"sent {n} to {site.site}.",
        _robots(site),
        f"At most {site.most_under_way} of them {'was' if site.most_under_way == 1 else 'were'} under way at a time.",
    ]
    if site.least_gap_s is not None:
        said.append(
            f"The shortest rest between an answer and the next request was {site.least_gap_s:.3f} s, where "
            f"{site.delay_s:g} s were due."
        )
    if site.retry_afters:
        said.append(f"You asked us {site.retry_afters} times to stay away for a while (Retry-After).")
    if site.is_kept and not proof.faults:
        said.append("Every request kept to your robots.txt and to these rests.")
    else:
        said.append(_breaches(proof, site))
    said.append(
        f"This is taken from a record whose {proof.lines:,} lines are chained by hashes; the last seal is {proof.seal}."
        " We can send you the record, with the bytes of your robots.txt as we got them."
    )
    return " ".join(said)


def _robots(site: SiteVerdict) -> str:
    digests = [one for one in site.robots if not one.startswith("none")]
    if digests:
        return f"Before that it read your robots.txt (SHA-256 {', '.join(digests[:3])})."
    return "It asked for your robots.txt first, and you have none that forbids anything."


def _breaches(proof: Proof, site: SiteVerdict) -> str:
    parts = []
    if site.n_breaches:
        parts.append(
            f"{site.n_breaches:,} of them did not keep to the rules, the first at line {site.breaches[0].line}"
        )
    if proof.faults:
        parts.append(f"the record itself was changed or lacks lines, first at line {proof.faults[0].line}")
    return f"We are sorry: {'; '.join(parts)}."
