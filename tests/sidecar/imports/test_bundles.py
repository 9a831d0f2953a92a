"""Bundles: what is written is read again, and a bundle from anywhere brings nothing but what it declared."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import IntegrityFailed, InvalidRequest, LoadFailed
from sidecar.hub.stopping import Stopped
from sidecar.imports import bundles
from sidecar.imports.bundles import Contents
from sidecar.imports.progress import Progress
from sidecar.imports.source import SourceFile

FILES = {"config.json": b"{}", "sub/model.safetensors": bytes(range(256)) * 9}
Change = Callable[[dict[str, Any], list[tuple[tarfile.TarInfo, bytes]]], None]


def member(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def bundle(path: Path, change: Change = lambda told, members: None) -> Path:
    """A bundle as any program could write it; `change` makes it another one."""
    described = [
        {"path": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in FILES.items()
    ]
    told = {"format": "inglenook-bundle", "version": 1, "name": "m", "model_type": "classification", "files": described}
    members = [member(name, content) for name, content in FILES.items()]
    change(told, members)
    packed = b"".join(
        info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)
        for info, content in [member("inglenook.json", json.dumps(told).encode()), *members]
    )
    path.write_bytes(packed + bytes(1024))
    return path


def unpacked(path: Path, folder: Path) -> dict[str, bytes]:
    """What is in the folder after the bundle was read. Raises as reading does."""
    source = bundles.read(path)
    if source.problem:
        raise InvalidRequest(reason=source.problem)
    folder.mkdir(exist_ok=True)
    bundles.unpack(source, folder, lambda *_: None, Progress())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_bundle_is_a_plain_tar_file_with_its_contents_first(tmp_path: Path) -> None:
    files = [SourceFile(name, tmp_path / Path(name).name, len(content)) for name, content in FILES.items()]
    for file in files:
        file.place.write_bytes(FILES[file.path])
    contents = Contents(
        format="inglenook-bundle", version=1, name="org/m", model_type="embedding", files=bundles.declared(files)
    )
    size = bundles.size_of(contents)
    bundles.write(contents, files, tmp_path / "m.inglenook", Progress())
    assert (tmp_path / "m.inglenook").stat().st_size == size
    with tarfile.open(tmp_path / "m.inglenook") as tar:
        assert tar.getnames() == ["inglenook.json", *FILES]
        told = json.load(tar.extractfile("inglenook.json") or io.BytesIO())
    assert [file["sha256"] for file in told["files"]] == [hashlib.sha256(one).hexdigest() for one in FILES.values()]
    assert unpacked(tmp_path / "m.inglenook", tmp_path / "out") == FILES


def test_what_ends_early_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    files = [SourceFile("a.json", tmp_path / "a.json", 2, "0" * 64)]
    contents = Contents(
        format="inglenook-bundle", version=1, name="m", model_type="embedding", files=bundles.declared(files)
    )
    with pytest.raises(LoadFailed, match="is not what it was"):
        bundles.write(contents, files, tmp_path / "m.inglenook", Progress())
    gone = [SourceFile("a.json", tmp_path / "gone.json", 2)]
    with pytest.raises(LoadFailed, match="cannot be read"):
        bundles.write(contents, gone, tmp_path / "m.inglenook", Progress())
    progress = Progress()
    progress.stop.set()
    with pytest.raises(Stopped):
        bundles.write(contents, files, tmp_path / "m.inglenook", progress)
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_long_name_fits_too(tmp_path: Path) -> None:
    name = "x" * 150 + ".json"
    (tmp_path / name).write_bytes(b"{}")
    files = [SourceFile(name, tmp_path / name, 2)]
    contents = Contents(
        format="inglenook-bundle", version=1, name="m", model_type="embedding", files=bundles.declared(files)
    )
    bundles.write(contents, files, tmp_path / "m.inglenook", Progress())
    assert unpacked(tmp_path / "m.inglenook", tmp_path / "out") == {name: b"{}"}


def rename(name: str) -> Change:
    def change(told: dict[str, Any], members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        told["files"][1]["path"] = name
        members[1][0].name = name

    return change


def make_link(kind: bytes) -> Change:
    def change(told: dict[str, Any], members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[1][0].type, members[1][0].linkname = kind, "/etc/passwd"

    return change


def declare(**fields: object) -> Change:
    return lambda told, members: told["files"][1].update(fields)


def add_member(told: dict[str, Any], members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members.append(member("extra.json", b"{}"))


def drop_member(told: dict[str, Any], members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members.pop()


def swap_members(told: dict[str, Any], members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members.reverse()


def name_twice(told: dict[str, Any], members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    told["files"].append(told["files"][0] | {"path": "CONFIG.json"})
    members.append(member("CONFIG.json", b"{}"))


HOSTILE: dict[str, tuple[Change, str]] = {
    "parent": (rename("../evil.json"), "leads out"),
    "absolute": (rename("/evil.json"), "leads out"),
    "drive": (rename("C:/evil.json"), "drives"),
    "backslash": (rename("a\\..\\evil.json"), "drives"),
    "stream": (rename("config.json:evil"), "drives"),
    "reserved": (rename("con.json"), "something else"),
    "hidden": (rename(".ssh/evil.json"), "hidden"),
    "pickle": (rename("model.bin"), "can run code"),
    "symbolic link": (make_link(tarfile.SYMTYPE), "link"),
    "hard link": (make_link(tarfile.LNKTYPE), "link"),
    "sparse": (make_link(tarfile.GNUTYPE_SPARSE), "cut short|link"),
    "device": (make_link(tarfile.CHRTYPE), "link"),
    "more declared": (declare(bytes=1 << 50), "would make"),
    "less declared": (declare(bytes=10), "would make"),
    "negative": (declare(bytes=-5), "no sound size"),
    "huge number": (declare(bytes=1 << 62), "would make|cannot be read"),
    "no hash": (declare(sha256=""), "no sound size or hash"),
    "extra": (add_member, "would make"),
    "missing": (drop_member, "would make"),
    "other order": (swap_members, "stands where"),
    "twice": (name_twice, "twice"),
    "other entry": (lambda told, members: told.update(entry="/etc/passwd"), "file to load"),
    "other format": (lambda told, members: told.update(format="zip"), "something else"),
    "newer": (lambda told, members: told.update(version=9), "newer"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bundle_that_is_not_what_it_declares_is_refused(tmp_path: Path, name: str) -> None:
    change, reason = HOSTILE[name]
    path = bundle(tmp_path / "m.inglenook", change)
    with pytest.raises(InvalidRequest, match=reason):
        unpacked(path, tmp_path / "out")
    assert not list(tmp_path.glob("evil*"))
    assert {file.name for file in tmp_path.iterdir()} <= {"m.inglenook", "out"}


def test_bytes_that_are_not_those_of_the_hash_are_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / "m.inglenook")
    damaged = bytearray(path.read_bytes())
    damaged[-1500] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(IntegrityFailed, match="damaged"):
        unpacked(path, tmp_path / "out")


@pytest.mark.parametrize("kept", [0, 100, 512, 1500, -600])
def test_a_bundle_that_is_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = bundle(tmp_path / "m.inglenook")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InvalidRequest, match="not a sound bundle"):
        unpacked(path, tmp_path / "out")
