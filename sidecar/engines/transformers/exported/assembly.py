"""Puts an exported program together for the scheduler: a classifier or an embedder, tried once before it counts as loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from transformers import AutoTokenizer

from sidecar.engines.base import Model
from sidecar.engines.classifying import TextClassifier
from sidecar.engines.embedding import TextEmbedder
from sidecar.engines.text_inputs import Inputs, encode, padding_id
from sidecar.engines.transformers.exported.checking import NotPlain
from sidecar.engines.transformers.exported.program import Program, open_program
from sidecar.engines.transformers.pooling import MODES
from sidecar.errors import LoadFailed
from sidecar.registry.exported import Manifest, read_manifest
from sidecar.runtime.protocol import Load, ModelFacts


@dataclass(frozen=True)
class Labels:
    """The manifest's labels as a configuration tells them."""

    id2label: dict[int, str]
    problem_type: str | None

    @property
    def num_labels(self) -> int:
        return len(self.id2label)


class Classifier(TextClassifier):
    """Labels texts with the scores that the program gives."""

    def __init__(self, name: str, manifest: Manifest, tokenizer: Any, program: Program) -> None:
        kind = "multi_label_classification" if manifest.multi_label else None
        super().__init__(name, Labels(dict(enumerate(manifest.labels)), kind), tokenizer, _limit(manifest, program))
        self._program = program

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        return [row.float().numpy() for row in self._program(inputs)]

    def padding(self, inputs: list[Inputs]) -> list[int]:
        return self._program.padding(inputs)

    def check(self) -> None:
        """Raises NotPlain unless there is one score for each label."""
        (scores,) = self.forward(encode(self._tokenizer, ["a"], limit=self._limit, truncate=True)[0])
        if scores.shape != (len(self.labels),):
            raise NotPlain(
                f"it gives scores of shape {scores.shape} for a text, and the manifest names {len(self.labels)} labels"
            )


class Embedder(TextEmbedder):
    """Embeds texts with the vectors that the program gives: of the text, or of its tokens."""

    def __init__(self, folder: Path, manifest: Manifest, tokenizer: Any, program: Program) -> None:
        self._program = program
        self._pooling = manifest.pooling
        super().__init__(folder, tokenizer, _limit(manifest, program))

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        rows = self._program(inputs)
        lengths = [len(text["input_ids"]) for text in inputs]
        return [self._pooled(row.float(), length).numpy() for row, length in zip(rows, lengths, strict=True)]

    def padding(self, inputs: list[Inputs]) -> list[int]:
        return self._program.padding(inputs)

    def _pooled(self, row: torch.Tensor, tokens: int) -> torch.Tensor:
        if row.dim() != (1 if self._pooling == "none" else 2):
            what = "one vector per text" if row.dim() == 1 else "vectors of tokens"
            raise NotPlain(f"it gives {what}, which does not go with pooling = {self._pooling!r}")
        if self._pooling == "none":
            return row
        return MODES[self._pooling](row[None, :tokens], torch.ones(1, tokens, dtype=torch.long))[0]


def load_exported(frame: Load, device: torch.device) -> Model:
    """The program in `frame.path`. Raises LoadFailed."""
    manifest = read_manifest(Path(frame.path))
    try:
        return _assembled(frame, manifest, device)
    except NotPlain as error:
        raise LoadFailed(model=frame.model, reason=f"{manifest.program} cannot be served: {error}.") from error
    except Exception as error:
        reason = f"{manifest.program} is damaged, or of a release that PyTorch {torch.__version__} does not read: {_line(error)}"
        raise LoadFailed(model=frame.model, reason=reason) from error


def _assembled(frame: Load, manifest: Manifest, device: torch.device) -> Model:
    folder = Path(frame.path)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    exported = open_program(folder / manifest.program, device)
    program = Program(exported, manifest.inputs, manifest.output, padding_id(tokenizer), device)
    facts = _facts(frame, exported, device)
    facts.context_length = _limit(manifest, program)
    if manifest.task == "embedding":
        embedder = Embedder(folder, manifest, tokenizer, program)
        facts.capabilities, facts.dimensions = ["embed"], embedder.dimensions
        return Model(frame.model, facts, embedder=embedder)
    classifier = Classifier(frame.model, manifest, tokenizer, program)
    classifier.check()
    facts.capabilities = ["classify"] if classifier.entailment is None else ["classify", "zero-shot"]
    facts.labels, facts.multi_label = classifier.labels, classifier.multi_label
    return Model(frame.model, facts, classifier=classifier)


def _facts(frame: Load, exported: ExportedProgram, device: torch.device) -> ModelFacts:
    weights = list(exported.state_dict.values())
    largest = max(weights, key=torch.Tensor.numel, default=torch.zeros(0))
    facts = ModelFacts(
        engine="transformers",
        device=str(device),
        precision=str(largest.dtype).removeprefix("torch."),
        parameters=sum(weight.numel() for weight in weights),
        memory_bytes=0,
        context_length=None,
        capabilities=[],
    )
    if frame.quantization in ("int8", "int4"):
        facts.warnings.append(
            f"An exported program runs as it was exported; it is not rounded to {frame.quantization}."
        )
    return facts


def _limit(manifest: Manifest, program: Program) -> int:
    """Tokens of a text."""
    return min(manifest.max_length, program.columns.most)


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
