"""Text files that go along with a question: read with a size limit, put into the message in fences. No widgets."""

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication

LIMIT_BYTES = 256 * 1024
_FENCE = re.compile(r"^ {0,3}(`{3,})", re.MULTILINE)
_ATTACHED = re.compile(r"\A([^\n]{1,255}):\n(`{3,})[\w+-]*\n(.*?)\n\2(?:\n\n|\Z)", re.DOTALL)


class AttachmentRefused(Exception):
    """The file cannot be attached; the message says why, for the person."""


@dataclass(frozen=True)
class Attachment:
    """A file's name and its text."""

    name: str
    text: str


def read_attachment(path: Path) -> Attachment:
    """Read a text file. Raises AttachmentRefused when it is too large, not text, or cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise AttachmentRefused(
            _tr("{name} cannot be read: {reason}.").format(name=path.name, reason=reason)
        ) from error
    if len(content) > LIMIT_BYTES:
        limit = LIMIT_BYTES // 1024
        raise AttachmentRefused(_tr("{name} is larger than {limit} KB.").format(name=path.name, limit=limit))
    return Attachment(path.name, _decoded(path.name, content))


def with_attachments(text: str, attachments: list[Attachment]) -> str:
    """The message as the model reads it: each file in a fenced block under its name, then the question."""
    return "\n\n".join([_fenced(attachment) for attachment in attachments] + [text]).strip()


def without_attachments(content: str) -> tuple[str, list[Attachment]]:
    """Undo `with_attachments`, for showing and editing a message: its own text, and the files in front of it."""
    attachments = []
    while found := _ATTACHED.match(content):
        attachments.append(Attachment(found[1], found[3]))
        content = content[found.end() :]
    return content, attachments


def _decoded(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise AttachmentRefused(_tr("{name} is not a text file in UTF-8.").format(name=name))
    return text


def _fenced(attachment: Attachment) -> str:
    longest = max((len(run) for run in _FENCE.findall(attachment.text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{attachment.name}:\n{fence}{_language(attachment.name)}\n{attachment.text.rstrip()}\n{fence}"


def _language(name: str) -> str:
    suffix = Path(name).suffix.lstrip(".").lower()
    return {"md": "markdown", "py": "python", "js": "javascript", "ts": "typescript", "txt": "", "log": ""}.get(
        suffix, suffix
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("Attachments", text)
