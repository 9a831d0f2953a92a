"""A model as one file for a machine without network: writing it, and reading one that may come from anywhere.

A bundle is an uncompressed tar file, so that any system can look into it. Its first member is `inglenook.json`, which names
every file with its size and SHA-256; the files follow in that order, and nothing else. The reader goes through it once from
the front and takes only that: no links, no other members, no name that leads elsewhere, not a byte more than was declared.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec import Struct

from sidecar import __version__, decoding
from sidecar.errors import Conflict, IntegrityFailed, InvalidRequest, LoadFailed
from sidecar.hub import hashing
from sidecar.hub.safety import PICKLED, bad_name
from sidecar.imports.progress import Progress
from sidecar.imports.source import Source, SourceFile
from sidecar.imports.staging import DRAFT_SUFFIX, writing
from sidecar.registry.manifest import ManifestFile, described
from sidecar.types import GenerationDefaults, ModelType, RemoteFile

if TYPE_CHECKING:
    import tarfile

SUFFIX = ".inglenook"
FORMAT, VERSION = "inglenook-bundle", 1
CONTENTS = "inglenook.json"
MAX_CONTENTS_BYTES = 4 << 20
MAX_FILES = 10_000
BLOCK = 512
LONGEST_MEMBER = 100  # bytes, that a tar header holds by itself
PIECE = hashing.PIECE
_UNKNOWN_HASH = "0" * 64
_PLAIN = (b"0", b"\0")  # of tar's kinds of members, the files without any trick
Linked = Callable[[SourceFile, Path, Progress], ManifestFile | None]


class BundledFile(Struct):
    path: str
    bytes: int
    sha256: str


class Contents(Struct, kw_only=True):
    """The first member. `defaults`: how the model is sampled; `facts`: for who looks into the bundle, read by nobody."""

    format: str
    version: int
    name: str
    model_type: ModelType
    files: list[BundledFile]
    entry: str | None = None
    defaults: GenerationDefaults = msgspec.field(default_factory=GenerationDefaults)
    licence: str | None = None
    repository: str = ""
    commit: str = ""
    facts: dict[str, str | int | float | None] = {}
    made_by: str = f"Inglenook {__version__}"
    made_at: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of the whole bundle, but for its first member."""
        return sum(BLOCK + _padded(file.bytes) for file in self.files) + 2 * BLOCK


class _Strange(Exception):
    """What is wrong with a bundle."""


def is_bundle(path: Path) -> bool:
    """Whether the file is one, by its name or its beginning. Raises OSError."""
    with path.open("rb") as stream:
        return path.suffix.lower() == SUFFIX or stream.read(len(CONTENTS) + 1) == CONTENTS.encode() + b"\0"


# ---- reading --------------------------------------------------------------------------------------------------------


def read(path: Path) -> Source:
    """What the bundle says that it holds; nothing is unpacked. Raises OSError."""
    found = Source("bundle", path.stem, path)
    try:
        with _reading(path) as stream:
            contents = _contents(stream, path.stat().st_size)
    except _Strange as why:
        return found.unusable(f"{path.name} is not a sound bundle: {why}")
    files = tuple(SourceFile(file.path, path, file.bytes, file.sha256) for file in contents.files)
    return Source(
        kind="bundle",
        name=contents.name,
        path=path,
        files=files,
        entry=contents.entry,
        model_type=contents.model_type,
        defaults=contents.defaults,
        licence=contents.licence,
    )


def unpack(source: Source, folder: Path, linked: Linked, progress: Progress) -> list[ManifestFile]:
    """Every file of the bundle in `folder`, its hash checked; what `linked` has here already is not written again.

    Raises InvalidRequest for a bundle that is not sound, IntegrityFailed, Stopped, DiskFull, EnvironmentFault.
    """
    try:
        with _reading(source.path) as stream:
            contents = _contents(stream, source.path.stat().st_size)
            entries = [
                _unpacked(stream, number, file, folder, linked, progress) for number, file in enumerate(contents.files)
            ]
            if stream.read().strip(b"\0"):
                raise _Strange("more follows its last file")
            return entries
    except _Strange as why:
        raise InvalidRequest(reason=f"{source.path.name} is not a sound bundle: {why}") from None


def _unpacked(
    stream: BinaryIO, number: int, file: BundledFile, folder: Path, linked: Linked, progress: Progress
) -> ManifestFile:
    _expect(stream, _member(number, file.path), file.bytes)
    wanted = SourceFile(file.path, folder / file.path, file.bytes, file.sha256)
    if (entry := linked(wanted, folder, progress)) is not None:
        stream.seek(_padded(file.bytes), os.SEEK_CUR)
        return entry
    with writing(folder):
        wanted.place.parent.mkdir(parents=True, exist_ok=True)
        with wanted.place.open("xb") as goal:
            found = _take(stream, goal, file.bytes, progress)
    if found != file.sha256:
        raise IntegrityFailed(
            f"{file.path} in the bundle is damaged: its SHA-256 is not the one that the bundle names. Nothing was imported;"
            " copy the bundle again from where it was made.",
            file=file.path, reason="its SHA-256 is another",
        )  # fmt: skip
    return described(folder, RemoteFile(file.path, file.bytes, found))


def _take(stream: BinaryIO, goal: BinaryIO, size: int, progress: Progress) -> str:
    """Write `size` bytes, and what pads them nowhere; their SHA-256."""
    digest, left = hashlib.sha256(), size
    while left:
        piece = stream.read(min(PIECE, left))
        if not piece:
            raise _Strange("it is cut short")
        digest.update(piece)
        goal.write(piece)
        left -= len(piece)
        progress.moved(len(piece))
    stream.seek(_padded(size) - size, os.SEEK_CUR)
    return digest.hexdigest()


def _contents(stream: BinaryIO, size: int) -> Contents:
    """The first member, believed only as far as it can be true. Raises _Strange."""
    header = _header(stream)
    if header.name != CONTENTS or not _is_plain(header) or not 0 < header.size <= MAX_CONTENTS_BYTES:
        raise _Strange(f"it does not begin with {CONTENTS}")
    text = stream.read(_padded(header.size))[: header.size]
    try:
        contents = decoding.from_json(text, Contents)
    except msgspec.MsgspecError as error:
        raise _Strange(f"{CONTENTS} cannot be read: {error}") from None
    _check(contents)
    whole = BLOCK + _padded(header.size) + contents.size
    if whole != size:
        raise _Strange(f"it has {size} bytes, and its files would make {whole}")
    return contents


def _check(contents: Contents) -> None:
    """Names, sizes and hashes, before anything is written. Raises _Strange."""
    if contents.format != FORMAT or contents.version > VERSION:
        raise _Strange("a newer Inglenook made it" if contents.format == FORMAT else "it holds something else")
    if not contents.files or len(contents.files) > MAX_FILES:
        raise _Strange(f"it names {len(contents.files)} files")
    for file in contents.files:
        if reason := bad_name(file.path):
            raise _Strange(f"the file name {file.path!r} is refused: {reason}")
        if Path(file.path).suffix.lower() in PICKLED:
            raise _Strange(f"{file.path!r} can run code when it is opened")
        if file.bytes < 0 or len(file.sha256) != len(_UNKNOWN_HASH):
            raise _Strange(f"{file.path!r} has no sound size or hash")
    names = [file.path.lower() for file in contents.files]
    if len(set(names)) != len(names):
        raise _Strange("it names a file twice")
    if contents.entry is not None and contents.entry not in {file.path for file in contents.files}:
        raise _Strange("the file to load is not in it")


def _expect(stream: BinaryIO, name: str, size: int) -> None:
    """The next member is that plain file. Raises _Strange."""
    header = _header(stream)
    if not _is_plain(header):
        raise _Strange(f"{header.name!r} is a link or another thing that is no file")
    if header.name != name or header.size != size:
        raise _Strange(f"{header.name!r} with {header.size} bytes stands where {name!r} with {size} was declared")


def _is_plain(header: tarfile.TarInfo) -> bool:
    return header.type in _PLAIN


def _header(stream: BinaryIO) -> tarfile.TarInfo:
    import tarfile

    try:
        return tarfile.TarInfo.frombuf(stream.read(BLOCK), "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise _Strange(f"it is cut short or no tar file ({error})") from None


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as stream:
        yield stream


# ---- writing --------------------------------------------------------------------------------------------------------


def size_of(contents: Contents) -> int:
    """Bytes of the bundle."""
    return BLOCK + _padded(len(_encoded(contents))) + contents.size


def draft_of(target: Path) -> Path:
    """Under which name a bundle is written until it is whole."""
    return target.with_name(f".{target.name}{DRAFT_SUFFIX}")


def write(contents: Contents, files: list[SourceFile], target: Path, progress: Progress) -> None:
    """Make the bundle, under another name until it is whole. `files` are those of `contents`, in their order.

    Raises Stopped, LoadFailed for a file that is not what it was, Conflict, DiskFull, EnvironmentFault.
    """
    draft = draft_of(target)
    progress.begin("writing", sum(file.bytes for file in files))
    try:
        with writing(target.parent):
            with draft.open("wb") as stream:
                _write(stream, contents, files, progress)
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists():
                raise Conflict(f"{target} is there already. Choose another name.", reason="the file is there")
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _write(stream: BinaryIO, contents: Contents, files: list[SourceFile], progress: Progress) -> None:
    """Once from front to end: hashes are as long as what stands for them until they are known."""
    _write_contents(stream, contents)
    for number, (file, told) in enumerate(zip(files, contents.files, strict=True)):
        stream.write(_tar_header(_member(number, told.path), told.bytes))
        told.sha256 = _copied(stream, file, progress)
    stream.write(bytes(2 * BLOCK))
    stream.seek(0)
    _write_contents(stream, contents)


def _write_contents(stream: BinaryIO, contents: Contents) -> None:
    text = _encoded(contents)
    stream.write(_tar_header(CONTENTS, len(text)) + text.ljust(_padded(len(text)), b"\0"))


def _copied(stream: BinaryIO, file: SourceFile, progress: Progress) -> str:
    """The file's content in the bundle, padded; its SHA-256."""
    digest, count = hashlib.sha256(), 0
    with _opened(file) as source:
        while piece := source.read(PIECE):
            digest.update(piece)
            stream.write(piece)
            count += len(piece)
            progress.moved(len(piece))
    found = digest.hexdigest()
    if count != file.bytes or (file.sha256 or found) != found:
        raise LoadFailed(
            f"{file.place} is not what it was when it came here, so it is not exported. Verify the model first.",
            model=file.path, reason="a file is damaged",
        )  # fmt: skip
    stream.write(bytes(_padded(count) - count))
    return found


def _opened(file: SourceFile) -> BinaryIO:
    try:
        return file.place.open("rb")
    except OSError as error:
        reason = f"{file.place} cannot be read: {error.strerror or error}"
        raise LoadFailed(f"The model is not exported: {reason}.", model=file.path, reason=reason) from error


def declared(files: list[SourceFile]) -> list[BundledFile]:
    """How the contents name the files, as long as their hashes are not known."""
    return [BundledFile(file.path, file.bytes, _UNKNOWN_HASH) for file in files]


def _encoded(contents: Contents) -> bytes:
    return msgspec.json.format(msgspec.json.encode(contents), indent=1)


def _tar_header(name: str, size: int) -> bytes:
    import tarfile

    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.GNU_FORMAT)


def _member(number: int, path: str) -> str:
    """The member's name in the tar file, which holds only short ones."""
    return path if len(path.encode()) <= LONGEST_MEMBER else f"files/{number:05}"


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
