"""Makes pictures of pages small: a palette of 256 colours, packed as tightly as zlib can."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from playwright.async_api import Page

MOST_COLOURS = 256
PIXELS = """
async (png) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const bytes = new Uint8Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  let text = "";
  for (let n = 0; n < bytes.length; n += 32768) text += String.fromCharCode(...bytes.subarray(n, n + 32768));
  return [image.width, image.height, btoa(text)];
}
"""


async def shrink(blank: Page, png: bytes) -> bytes:
    """Returns the picture with few colours. `blank` is any page that lets scripts read data: URLs."""
    width, height, text = await blank.evaluate(PIXELS, base64.b64encode(png).decode())
    pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 4)[:, :3]
    colours, which, times = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    kept = colours[np.argsort(times)[::-1][:MOST_COLOURS]]
    nearest = ((colours[:, None, :].astype(int) - kept[None, :, :].astype(int)) ** 2).sum(axis=2).argmin(axis=1)
    rows = nearest[which.ravel()].astype(np.uint8).reshape(height, width)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # each line begins with its filter: none
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"PLTE", kept.tobytes()), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
