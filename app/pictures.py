"""Pictures that go along with a question: read from files and from the clipboard, made small enough to send. No widgets.

Decoding takes a while: call `read_picture` and `picture_of` in a thread. Nothing is ever fetched from an address.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader

LONGEST = 2048  # pixels of the longer side; models make pictures smaller still
MAX_PIXELS = 100_000_000  # what a file may have before it is made smaller
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")
JPEG_QUALITY = 90
Kind = Literal["png", "jpeg"]


class PictureRefused(Exception):
    """The picture cannot be attached; the message says why, for the person."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept and sent: `content` is a PNG or JPEG file."""

    name: str
    kind: Kind
    width: int
    height: int
    content: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """The same for the same content."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def data_url(self) -> str:
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode()}"


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def read_picture(path: Path) -> Picture:
    """The picture in a file, upright. Raises PictureRefused when it cannot be read or is too large."""
    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and size.width() * size.height() > MAX_PIXELS:
        raise PictureRefused(_tr("{name} has more than {limit} million pixels.").format(name=path.name, limit=100))
    if size.isValid():
        reader.setScaledSize(_fitting(size))
    image = reader.read()
    if image.isNull():
        raise PictureRefused(
            _tr("{name} cannot be shown: {reason}.").format(name=path.name, reason=reader.errorString().rstrip("."))
        )
    return picture_of(image, path.name)


def picture_of(image: QImage, name: str) -> Picture:
    """An image as a picture of at most LONGEST pixels a side: PNG where it lets through or is small so, else JPEG."""
    size = _fitting(image.size())
    if size != image.size():
        image = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    kind: Kind = "jpeg"
    content = _encoded(image, kind)
    exact = _encoded(image, "png") if image.hasAlphaChannel() or len(content) < 1 << 18 else b""
    if exact and (image.hasAlphaChannel() or len(exact) <= len(content)):
        kind, content = "png", exact
    return Picture(name, kind, image.width(), image.height(), content)


def _fitting(size: QSize) -> QSize:
    if max(size.width(), size.height()) <= LONGEST:
        return size
    return size.scaled(LONGEST, LONGEST, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))


def _encoded(image: QImage, kind: Kind) -> bytes:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, kind.upper(), JPEG_QUALITY if kind == "jpeg" else -1)  # type: ignore[call-overload]
    return bytes(content.data())


def _tr(text: str) -> str:
    return QCoreApplication.translate("Pictures", text)
