"""Images in messages, before any engine sees them: what they are, by their headers, and that they keep to the limits.

No image is decoded here, and nothing is fetched: an image comes with the request or not at all. Library code that decodes
images trusts what they say of themselves; so a file that would unfold to more than it states is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterator

from msgspec import Struct

from sidecar.errors import InvalidRequest
from sidecar.types import ImagePart, ImageUrl, Message

MAX_IMAGES = 64
MAX_BYTES = 20 << 20
MAX_PIXELS = 32 << 20
MAX_PIXELS_TOGETHER = 128 << 20  # they are all decoded before the first is read
MAX_SIDE = 16_384
MAX_RATIO = 200  # of the sides
TAKEN = "PNG, JPEG or GIF"
INFLATED_AT_ONCE = 1 << 20
INTERLACED = 2  # times the bytes of the rows is more than Adam7 needs
_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by PNG's colour type
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's markers that state the size
_START, _END, _SCAN, _FILL = 0xD8, 0xD9, 0xDA, 0xFF


class Image(Struct, frozen=True):
    """What an image's header says."""

    format: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"[{self.format} image, {self.width} × {self.height}]"


class _Unsound(Exception):
    """What is wrong with an image."""


def has_images(messages: list[Message] | None) -> bool:
    return any(message.images for message in messages or [])


def check(messages: list[Message]) -> list[Image]:
    """What the images are, in their order. Raises InvalidRequest that says which one is wrong and why.

    That takes a while with large ones: call it in a thread.
    """
    urls = [url for message in messages for url in message.images]
    if len(urls) > MAX_IMAGES:
        raise InvalidRequest(reason=f"{len(urls)} images are in the messages, and {MAX_IMAGES} are taken at most")
    found = [_checked(number, url) for number, url in enumerate(urls, 1)]
    if sum(image.width * image.height for image in found) > MAX_PIXELS_TOGETHER:
        raise InvalidRequest(
            reason=f"the images have over {MAX_PIXELS_TOGETHER >> 20} million pixels together; send fewer, or smaller ones"
        )
    return found


def described(messages: list[Message], images: list[Image]) -> str:
    """A conversation as the history shows it: an image by what it is, a tool call as `name(arguments)`."""
    left = iter(images)
    return "\n".join(f"{message.role}: {_described(message, left)}" for message in messages)


def _described(message: Message, images: Iterator[Image]) -> str:
    said = [str(next(images)) if isinstance(part, ImagePart) else part.text for part in message.parts]
    called = [f"{call.function.name}({call.function.arguments})" for call in message.tool_calls]
    return "\n".join([*filter(None, said), *called])


def _checked(number: int, url: ImageUrl) -> Image:
    try:
        return _looked_at(url.url)
    except _Unsound as fault:
        raise InvalidRequest(reason=f"image {number}: {fault}") from None


def _looked_at(url: str) -> Image:
    content = _content(url)
    image = _read(content)
    width, height = image.width, image.height
    if not 1 <= min(width, height) <= max(width, height) <= MAX_SIDE or width * height > MAX_PIXELS:
        raise _Unsound(
            f"it has {width} × {height} pixels; at most {MAX_PIXELS >> 20} million are taken, and {MAX_SIDE} on a side."
            " Send it smaller"
        )
    if max(width, height) > MAX_RATIO * min(width, height):
        raise _Unsound(f"it has {width} × {height} pixels; one side is over {MAX_RATIO} times as long as the other")
    if image.format == "PNG":
        _check_inflated(content)
    return image


def _content(url: str) -> bytes:
    head = _DATA_URL.match(url)
    if head is None:
        if url.lower().startswith(("http:", "https:", "file:")):
            raise _Unsound("nothing is fetched from an address; send the image itself, as data:image/png;base64,…")
        raise _Unsound("it is not a data URL; send data:image/png;base64,…")
    if len(url) - head.end() > MAX_BYTES * 4 // 3 + 4:
        raise _Unsound(f"it is larger than {MAX_BYTES >> 20} MB")
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise _Unsound("what follows the comma is not base64") from None


def _read(content: bytes) -> Image:
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return Image("PNG", *_png_size(content))
        if content.startswith((b"GIF87a", b"GIF89a")):
            return Image("GIF", *struct.unpack_from("<HH", content, 6))
        if content.startswith(b"\xff\xd8"):
            return Image("JPEG", *_jpeg_size(content))
    except struct.error:
        raise _Unsound("its header is cut short") from None
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        raise _Unsound(f"it is a WebP, which cannot be decoded here; send {TAKEN}")
    raise _Unsound(f"it is not a {TAKEN}")


def _png_size(content: bytes) -> tuple[int, int]:
    """Width and height. The header comes first, or decoders would find others in a later one."""
    kind, width, height = struct.unpack_from(">4sII", content, 12)
    if kind != b"IHDR":
        raise _Unsound("it is not a sound PNG")
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height from the frame header. Between segments nothing else may stand, or decoders would differ."""
    at = 2
    while True:
        mark, kind, length = struct.unpack_from(">BBH", content, at)
        if mark == kind == _FILL:  # as many as one likes may stand before a segment
            at += 1
            continue
        if mark != _FILL or kind in (0, _START, _END, _SCAN):
            raise _Unsound("it is not a sound JPEG")
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + length


def _check_inflated(png: bytes) -> None:
    """The pixels must not unfold to more than the header lets expect: a few kilobytes can hold gigabytes."""
    width, height, depth, colour = struct.unpack_from(">IIBB", png, 16)
    expected = INTERLACED * height * (1 + width * _CHANNELS.get(colour, 4) * depth // 8 + 1) + INFLATED_AT_ONCE
    inflater, total = zlib.decompressobj(), 0
    try:
        for packed in _pixel_chunks(png):
            while packed and not inflater.eof:
                total += len(inflater.decompress(packed, INFLATED_AT_ONCE))
                if total > expected:
                    raise _Unsound("it unfolds to more than its size")
                packed = inflater.unconsumed_tail
    except zlib.error:
        raise _Unsound("its pixels are damaged") from None


def _pixel_chunks(png: bytes) -> Iterator[memoryview | bytes]:
    view, at = memoryview(png), 8
    while at + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == b"IDAT":
            yield view[at + 8 : at + 8 + length]
        at += 12 + length
