"""Which files of a repository an engine needs: the ways to have a model, one for each format and precision. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

from sidecar.errors import InvalidRequest, UnsafeFiles
from sidecar.hub.listing import Repository
from sidecar.types import FileFormat, RemoteFile

GGUF = ".gguf"
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})(?=\.(?:gguf|safetensors|bin)$)")
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
_PICKLED = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
_QUANTISATION = re.compile(
    r"(?<![A-Za-z0-9])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|BF16|F16|F32|FP16|FP32))(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|modules"
    r"|sentence_bert_config|config_sentence_transformers|model\.safetensors\.index|chat_template)\.json"
    r"|merges\.txt|vocab\.txt|chat_template\.jinja|.+\.spm|(tokenizer|spiece|sentencepiece\.bpe|spm)\.model"
    r"|\d+_[A-Z][A-Za-z]*/(config\.json|model\.safetensors)"
)
_PAPERS = re.compile(r"(README|LICEN[CS]E|NOTICE|USE_POLICY)(\.(md|txt))?", re.IGNORECASE)
_EXPLANATIONS = (
    (2, "The smallest, and clearly worse than the original. Only where nothing else fits."),
    (3, "Small, with a loss that can be noticed."),
    (4, "A quarter of the size, nearly as good as the original. The usual choice."),
    (5, "A little larger and a little closer to the original than 4 bits."),
    (6, "Hardly to be told from the original."),
    (8, "As good as the original, at half its size."),
)
_WANTED = ("Q4_K_M", "Q4_K_S", "IQ4_XS", "IQ4_NL", "Q4_0", "MXFP4", "Q5_K_M", "Q5_K_S", "Q8_0", "Q6_K")
_PROJECTORS = ("F16", "BF16", "Q8_0", "F32")  # precisions, the usual one first: small errors in what is seen grow


class FileSet(Struct, frozen=True):
    """One way to have a model: all the files that it takes. `entry`: the file to load where that is not the folder."""

    name: str
    format: FileFormat
    explanation: str
    files: tuple[RemoteFile, ...]
    recommended: bool = False
    entry: str | None = None

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def variants(repository: Repository) -> list[FileSet]:
    """Every way to have it, the recommended one first; none when no engine here can use its files."""
    found = [*_safetensors(repository), *_ggufs(repository)] or _pickled(repository)
    return sorted(found, key=lambda one: not one.recommended)


def choose(repository: Repository, variant: str | None = None, files: list[str] | None = None) -> FileSet:
    """The variant of that name, exactly those files, or the recommended one.

    Raises InvalidRequest when the name or a file is not there, UnsafeFiles when nothing in it can be used.
    """
    if files is not None:
        return _exactly(repository, files)
    found = variants(repository)
    if not found:
        raise UnsafeFiles(model=repository.id, reason="it has no weights as safetensors, GGUF or PyTorch files.")
    if variant is None:
        return found[0]
    for one in found:
        if one.name.lower() == variant.lower():
            return one
    names = ", ".join(one.name for one in found)
    raise InvalidRequest(reason=f"{repository.id} has no variant {variant!r}; it has {names}")


def is_paper(name: str) -> bool:
    """Whether the file says what may be done with a model."""
    return _PAPERS.fullmatch(name) is not None


def _safetensors(repository: Repository) -> list[FileSet]:
    weights = [file for file in repository.files if _WEIGHTS.fullmatch(file.path)]
    if any(file.path == "model.safetensors" for file in weights):
        weights = [file for file in weights if file.path == "model.safetensors"]
    if not weights:
        return []
    explanation = "The weights as their makers published them, for the most exact engine."
    return [FileSet("safetensors", "safetensors", explanation, (*weights, *_beside(repository)), recommended=True)]


def _pickled(repository: Repository) -> list[FileSet]:
    weights = [file for file in repository.files if _PICKLED.fullmatch(file.path)]
    if any(file.path == "pytorch_model.bin" for file in weights):
        weights = [file for file in weights if file.path == "pytorch_model.bin"]
    index = [file for file in repository.files if file.path == "pytorch_model.bin.index.json"]
    if not weights:
        return []
    explanation = (
        "An older format that can hold code. With your permission it is converted once, kept from the network."
    )
    files = (*weights, *(index if len(weights) > 1 else []), *_beside(repository))
    return [FileSet("pickle", "pickle", explanation, files, recommended=True)]


def _ggufs(repository: Repository) -> list[FileSet]:
    groups: dict[str, list[RemoteFile]] = {}
    for file in repository.files:
        if file.path.lower().endswith(GGUF) and not _is_projector(file):
            groups.setdefault(_SHARD.sub("", file.path), []).append(file)
    names = _names(list(groups))
    best = _best(list(names.values()))
    alone = not _safetensors(repository)
    papers = [file for file in repository.files if _PAPERS.fullmatch(file.path)]
    return [
        FileSet(
            name,
            "gguf",
            _explained(name),
            (*shards, *_projector_for(shards[0], repository), *papers),
            alone and name == best,
            shards[0].path,
        )
        for stem, name in names.items()
        if (shards := _complete(groups[stem]))
    ]


def _is_projector(file: RemoteFile) -> bool:
    return "mmproj" in file.path.lower()


def _projector_for(model: RemoteFile, repository: Repository) -> list[RemoteFile]:
    """The file beside a model with which it sees images, in one precision; none where there is none."""
    folder = model.path.rpartition("/")[0]
    beside = [
        file
        for file in repository.files
        if file.path.lower().endswith(GGUF) and file.path.rpartition("/")[0] == folder
        if file.path.rpartition("/")[2].lower().startswith("mmproj")
    ]
    order = [*_PROJECTORS, ""]
    return sorted(beside, key=lambda file: (order.index(_projector_precision(file)), file.path))[:1]


def _projector_precision(file: RemoteFile) -> str:
    name = file.path.upper()
    return next((one for one in _PROJECTORS if re.search(rf"(?<![A-Z0-9]){one}(?![A-Z0-9])", name)), "")


def _complete(shards: list[RemoteFile]) -> list[RemoteFile]:
    """The shards in order; none of them when some are missing."""
    found = _SHARD.search(shards[0].path)
    wanted = int(found[2]) if found else 1
    return sorted(shards, key=lambda file: file.path) if len(shards) == wanted else []


def _names(stems: list[str]) -> dict[str, str]:
    """A name for each: its quantisation, or the file's own name where that would name two."""
    names = {stem: _quantisation(stem) for stem in stems}
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    own = {stem: stem.rpartition("/")[2].removesuffix(GGUF) for stem in stems}
    return {stem: own[stem] if not name or name in twice else name for stem, name in names.items()}


def _quantisation(path: str) -> str:
    found = _QUANTISATION.findall(path)
    return str(found[-1]).upper() if found else ""


def _best(names: list[str]) -> str:
    wanted = [name for name in _WANTED if name in names]
    return wanted[0] if wanted else min(names, default="")


def _explained(name: str) -> str:
    if found := re.match(r"(?:UD-)?[IT]?Q(\d)", name):
        bits = int(found[1])
        return next((text for most, text in _EXPLANATIONS if bits <= most), _EXPLANATIONS[-1][1])
    if name.startswith("MXFP4"):
        return _EXPLANATIONS[2][1]
    return "The original's precision: the largest and slowest." if name.endswith(("16", "32")) else "As its name says."


def _beside(repository: Repository) -> list[RemoteFile]:
    """What the engine reads beside the weights, and the papers that say what may be done with them."""
    return [file for file in repository.files if _BESIDE.fullmatch(file.path) or _PAPERS.fullmatch(file.path)]


def _exactly(repository: Repository, paths: list[str]) -> FileSet:
    files = [repository.file(path) for path in dict.fromkeys(paths)]
    missing = [path for path, file in zip(dict.fromkeys(paths), files, strict=True) if file is None]
    if missing or not files:
        raise InvalidRequest(reason=f"{repository.id} has no file {missing[0]!r}" if missing else "no file is named")
    found = tuple(file for file in files if file is not None)
    models = [file.path for file in found if file.path.endswith(GGUF) and not _is_projector(file)]
    first = min(models, default=None)
    return FileSet("files", _format(found), "The files that were named.", found, entry=first)


def _format(files: tuple[RemoteFile, ...]) -> FileFormat:
    if any(file.path.endswith(".safetensors") for file in files):
        return "safetensors"
    return "gguf" if any(file.path.endswith(GGUF) for file in files) else "pickle"
