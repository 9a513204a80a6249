"""Flame graphs: sampled stacks drawn as one SVG, callers below, the width of a frame is its share of the time."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

WIDTH, ROW, MARGIN, LETTER = 1400, 17, 10, 7.1
LEAST = 0.0005  # of the whole width: what is narrower is not drawn

Stacks = Mapping[tuple[str, ...], int]
"""Frames, the outermost first, and how many samples had them."""


@dataclass
class _Frame:
    samples: int = 0
    children: dict[str, "_Frame"] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return 1 + max((child.depth for child in self.children.values()), default=0)


def collapse(stacks: Stacks) -> str:
    """Returns the stacks as text, a line each: flamegraph.pl and speedscope read it."""
    return "".join(f"{';'.join(stack)} {samples}\n" for stack, samples in sorted(stacks.items()))


def draw(stacks: Stacks, title: str) -> str:
    """Returns the SVG. Each frame tells its name and its share where the pointer rests on it."""
    root = _grow(stacks)
    height = (root.depth + 1) * ROW + 3 * MARGIN + ROW
    scale = (WIDTH - 2 * MARGIN) / max(root.samples, 1)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{MARGIN}" y="{MARGIN + ROW - 4}" font-size="15">{escape(title)}</text>',
        *_rows("all", root, MARGIN, height - MARGIN - ROW, scale, root.samples),
        "</svg>\n",
    ]
    return "\n".join(drawn)


def _grow(stacks: Stacks) -> _Frame:
    root = _Frame()
    for stack, samples in stacks.items():
        root.samples += samples
        frame = root
        for name in stack:
            frame = frame.children.setdefault(name, _Frame())
            frame.samples += samples
    return root


def _rows(name: str, frame: _Frame, x: float, y: float, scale: float, whole: int) -> Iterable[str]:
    width = frame.samples * scale
    if frame.samples < LEAST * whole:
        return
    told = f"{name}: {frame.samples / max(whole, 1):.1%}, {frame.samples} samples"
    shown = name if len(name) * LETTER < width else name[: max(int(width / LETTER) - 2, 0)] + ".."
    text = f'<text x="{x + 2:.1f}" y="{y + ROW - 5:.0f}">{escape(shown)}</text>' if width > 4 * LETTER else ""
    yield (
        f'<g><title>{escape(told)}</title><rect x="{x:.1f}" y="{y:.0f}" width="{max(width - 0.3, 0.2):.1f}" '
        f'height="{ROW - 1}" fill={quoteattr(_colour(name))} rx="1"/>{text}</g>'
    )
    for child_name, child in sorted(frame.children.items()):
        yield from _rows(child_name, child, x, y - ROW, scale, whole)
        x += child.samples * scale


def _colour(name: str) -> str:
    """Ours are warm, all others are grey; a function has the same colour in every graph."""
    shade = hashlib.sha256(name.encode()).digest()[0]
    if "(crawler/" in name or "(cli/" in name:
        return f"hsl({10 + shade % 45}, 85%, {62 + shade % 12}%)"
    return f"hsl(210, 12%, {74 + shade % 14}%)"
