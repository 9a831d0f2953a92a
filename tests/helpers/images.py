"""Small images as bytes and as data URLs."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from PySide6.QtCore import QBuffer
from PySide6.QtGui import QImage

from sidecar.types import ImagePart, ImageUrl, Message, TextPart

GIF = base64.b64decode("R0lGODlhAQABAPAAAP8AAAAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")  # one red pixel
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"


def png(width: int = 28, height: int = 28, seed: int = 0) -> bytes:
    """Noise, another for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return png_of(width, height, b"".join(b"\0" + row.tobytes() for row in pixels))


def png_of(width: int, height: int, rows: bytes) -> bytes:
    """A PNG that says it has this size, with whatever rows."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    """All black."""
    buffer = QBuffer()
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(0)
    image.save(buffer, "JPEG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def url(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def about(text: str, *images: bytes, detail: str = "auto") -> Message:
    """A question with images after its text."""
    parts = [ImagePart(ImageUrl(url(image), detail)) for image in images]  # type: ignore[arg-type]
    return Message("user", [TextPart(text), *parts])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
