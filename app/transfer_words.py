"""How an import or an export stands, and where a model is from, as words. Pure; knows no widget."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from urllib.parse import unquote, urlsplit

from PySide6.QtCore import QCoreApplication

from app.figures import file_size
from app.model_names import readable
from app.model_words import task
from sidecar.errors import InglenookError, InvalidRequest
from sidecar.types import Importable, JobInfo

CACHED = "models--"  # how the cache of the hub's library names a repository's folder
OLLAMA_DEPTH = 4  # host, namespace, model, tag
FIELDS = ("path", "url", "models", "in_place", "name", "sha256, model_type")
BUNDLE = ".inglenook"


def name(job: JobInfo) -> str:
    """What is imported or exported."""
    if job.kind == "export":
        return readable(job.model)
    if job.kind == "fetch":
        return unquote(PurePosixPath(urlsplit(job.model).path).name) or job.model
    return source_name(job.model)


def source_name(path: str) -> str:
    """A path by the name that its program gives the model there."""
    place = PurePath(path)
    if len(place.parents) > OLLAMA_DEPTH and place.parents[OLLAMA_DEPTH - 1].name.startswith("manifests"):
        return place.parent.name if place.name == "latest" else f"{place.parent.name}:{place.name}"
    cached = next((part for part in reversed(place.parts) if part.startswith(CACHED)), "")
    return cached.removeprefix(CACHED).rpartition("--")[2] or place.name or path


def title(job: JobInfo) -> str:
    """What it does."""
    words = {"import": _tr("Importing {0}"), "fetch": _tr("Fetching {0}"), "export": _tr("Exporting {0}")}
    failed = {
        "import": _tr("{0} was not imported"),
        "fetch": _tr("{0} was not fetched"),
        "export": _tr("{0} was not exported"),
    }
    return (failed if job.state == "failed" else words)[job.kind].format(name(job))


def figures(job: JobInfo) -> str:
    """217 of 301 MB · copying and verifying; why it failed."""
    if job.state == "failed":
        return job.message
    if job.state == "queued":
        return _tr("Waits for its turn")
    stage = job.stage[:1].upper() + job.stage[1:] if job.stage else _tr("Looking at the files")
    if not job.bytes_total:
        return stage
    done, whole = file_size(job.bytes_done or 0), file_size(job.bytes_total)
    if done.partition(" ")[2] == whole.partition(" ")[2]:
        done = done.partition(" ")[0]
    return " · ".join((stage, _tr("{0} of {1}").format(done, whole)))


def kept_by(found: Importable) -> str:
    """Which program keeps it, or what it is."""
    words = {
        "folder": _tr("Folder"),
        "gguf": _tr("GGUF file"),
        "bundle": _tr("Bundle"),
        "ollama": "Ollama",
        "lm_studio": "LM Studio",
        "hugging_face": _tr("Hub cache"),
    }
    return words[found.source]


def note(found: Importable, *, in_place: bool) -> str:
    """What stands under its name: its task, and what is to be known before it is imported."""
    if found.problem:
        return sentence(found.problem)
    parts = [task(found.model_type) if found.model_type else ""]
    if found.model_id:
        parts.append(_tr("here already as {0}").format(found.model_id))
    if found.permission:
        parts.append(_tr("an old checkpoint, converted once"))
    elif in_place and not found.in_place:
        parts.append(_tr("has to be copied"))
    words = " · ".join(filter(None, parts))
    return words[:1].upper() + words[1:]


def bytes_to_copy(found: Importable, *, in_place: bool) -> int:
    """How much of the disk it takes. What is converted lies there twice for a while."""
    if found.model_id or (in_place and found.in_place):
        return 0
    return found.bytes * 2 if found.permission else found.bytes


def trouble(error: InglenookError) -> str:
    """What went wrong, without the name of the request's field that the reason begins with."""
    if not isinstance(error, InvalidRequest):
        return error.message
    reason = str(error.details.get("reason", error.message))
    field, _, rest = reason.partition(": ")
    return sentence(rest if field in FIELDS else reason)


def sentence(words: str) -> str:
    """With a capital at its beginning and a stop at its end."""
    words = words.strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


def _tr(text: str) -> str:
    return QCoreApplication.translate("TransferWords", text)
