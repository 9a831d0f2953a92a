"""What of a repository is refused, what needs the user's permission, and what is only worth knowing. Pure.

Permissions are given for one model: "pickle" converts an old checkpoint, "custom_code" fetches a model that names code of
its own, which is not run even then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sidecar.errors import UnsafeFiles
from sidecar.hub import choosing
from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Repository
from sidecar.types import SafetyFinding

PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
CODE = (".py", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".cmd", ".ps1", ".jar", ".msi", ".app")
ALLOWED = (".safetensors", ".gguf", ".json", ".txt", ".model", ".spm", ".jinja", ".md", "")
MAX_PATH, MAX_DEPTH = 240, 8
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_HIDDEN = re.compile(r"\.[^./\\]")  # such as .gitattributes: nobody needs to hear of them
_STRANGE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')


def findings(repository: Repository) -> list[SafetyFinding]:
    """All of them, the gravest first."""
    paths = [file.path for file in repository.files]
    found = [*_names(paths), *_formats(repository), *_pickles(repository, paths), *_code(repository, paths)]
    found += _templates(paths)
    return sorted(found, key=lambda one: ("refused", "ask", "note").index(one.severity))


def check(repository: Repository, chosen: FileSet, allow: Iterable[str]) -> None:
    """Raises UnsafeFiles that says what is refused, or which permission is missing."""
    for file in chosen.files:
        if reason := bad_name(file.path):
            raise UnsafeFiles(model=repository.id, reason=f"the file name {file.path!r} is refused: {reason}.")
    _check_types(repository, chosen, allow)
    _refuse_doubles(repository, chosen)
    wanted = [one for one in findings(repository) if one.severity == "ask" and one.permission not in set(allow)]
    if chosen.format != "pickle":
        wanted = [one for one in wanted if one.permission != "pickle"]
    if wanted:
        raise UnsafeFiles(
            f"{repository.id!r} needs your permission: {wanted[0].message} To allow it for this model, ask again with"
            f" the permission {wanted[0].permission!r}.",
            model=repository.id, reason=wanted[0].message, permission=wanted[0].permission,
        )  # fmt: skip


def bad_name(path: str) -> str | None:
    """Why a file of this name is not written anywhere; None for a harmless one."""
    parts = path.split("/")
    if not path or len(path) > MAX_PATH or len(parts) > MAX_DEPTH:
        return "it is empty, too long or too deep"
    if _STRANGE.search(path):
        return "it has characters that name drives, streams or other folders on some systems"
    if any(part in {"", ".", ".."} for part in parts):
        return "it leads out of the model's folder"
    if any(part.endswith((".", " ")) or part.startswith((" ", "~")) or _RESERVED.fullmatch(part) for part in parts):
        return "some systems take it for something else"
    return "hidden files are not needed" if parts[0].startswith(".") else None


def _check_types(repository: Repository, chosen: FileSet, allow: Iterable[str]) -> None:
    """Only known kinds of files are written; pickles only where they were asked for and allowed."""
    for file in chosen.files:
        suffix = _suffix(file.path)
        if suffix in PICKLED and "pickle" not in set(allow):
            raise UnsafeFiles(
                f"{repository.id!r} needs your permission: {file.path} can run code when it is opened. To allow it for"
                " this model, ask again with the permission 'pickle'; it is then converted once, kept from the network.",
                model=repository.id, reason=f"{file.path} can run code when it is opened.", permission="pickle",
            )  # fmt: skip
        if suffix not in ALLOWED and suffix not in PICKLED:
            raise UnsafeFiles(model=repository.id, reason=f"{file.path} is of a kind that no engine here reads.")


def _refuse_doubles(repository: Repository, chosen: FileSet) -> None:
    """Names that differ only in case are one file on some systems."""
    seen: dict[str, str] = {}
    for file in chosen.files:
        other = seen.setdefault(file.path.lower(), file.path)
        if other != file.path:
            raise UnsafeFiles(model=repository.id, reason=f"{other} and {file.path} are the same file on some systems.")


def _names(paths: list[str]) -> list[SafetyFinding]:
    bad = [path for path in paths if bad_name(path) and not _HIDDEN.match(path)]
    message = "Names that could lead out of the model's folder are never written."
    return [SafetyFinding("refused", "name", message, bad)] if bad else []


def _formats(repository: Repository) -> list[SafetyFinding]:
    if choosing.variants(repository):
        return []
    message = "There are no weights as safetensors, GGUF or PyTorch files, so no engine here can use it."
    return [SafetyFinding("refused", "format", message)]


def _pickles(repository: Repository, paths: list[str]) -> list[SafetyFinding]:
    pickled = [path for path in paths if _suffix(path) in PICKLED]
    if not pickled:
        return []
    if any(one.format != "pickle" for one in choosing.variants(repository)):
        return [SafetyFinding("note", "pickle", "Files that can run code when opened are not fetched.", pickled)]
    message = (
        "Its weights are only in an old format that can run code when it is opened. They would be read without code, by"
        " a process without network, and converted to safetensors once."
    )
    return [SafetyFinding("ask", "pickle", message, pickled, "pickle")]


def _code(repository: Repository, paths: list[str]) -> list[SafetyFinding]:
    code = [path for path in paths if _suffix(path) in CODE]
    if repository.config.get("auto_map"):
        message = (
            "It wants code of its own to be run. That code is neither fetched nor run; the model works only if the engine"
            " knows its architecture by itself."
        )
        return [SafetyFinding("ask", "auto_map", message, code, "custom_code")]
    return [SafetyFinding("note", "custom_code", "Programs in it are neither fetched nor run.", code)] if code else []


def _templates(paths: list[str]) -> list[SafetyFinding]:
    templates = [path for path in paths if path.endswith(".jinja")]
    message = "Its chat template is run in a sandbox, with limits on time and size."
    return [SafetyFinding("note", "template", message, templates)] if templates else []


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return f".{name.rpartition('.')[2].lower()}" if "." in name else ""
