"""`classify`, `translate`, `embed`: texts from the arguments, or one per line from standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any, cast

import msgspec
import typer

from sidecar.cli.connection import Start, ask
from sidecar.cli.declaring import command
from sidecar.cli.generate import Model
from sidecar.cli.output import counted, note, say, say_json
from sidecar.cli.status import Options
from sidecar.errors import InvalidRequest
from sidecar.types import (
    ClassifyBatchResponse,
    EmbedResponse,
    InferenceRequest,
    ModelType,
    TranslateBatchResponse,
)

Texts = Annotated[list[str] | None, typer.Argument(help="The texts; else one per line from standard input.")]
BATCH = 64  # texts in one request: enough to fill the model's batches, few enough to show progress


def classify(
    options: Options,
    text: Texts = None,
    model: Model = None,
    labels: Annotated[str | None, typer.Option(help="Free labels, separated by commas, for zero-shot models.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Show only the likeliest so many labels.")] = None,
    start: Start = False,
) -> None:
    """Give each text the probability of each label."""
    given = {"labels": labels.split(",") if labels else None, "top_k": top_k}
    for texts, answer in _answers(options, "classification", model, text, given, start):
        results = cast("ClassifyBatchResponse", answer).results
        for asked, result in zip(texts, results, strict=True):
            if options.as_json:
                say_json({"text": asked, "classifications": result.classifications})
            else:
                shares = "  ".join(f"{label} {share:.1%}" for label, share in result.classifications.items())
                say(f"{shares}\t{asked}")


def translate(
    options: Options,
    text: Texts = None,
    model: Model = None,
    source: Annotated[str | None, typer.Option("--from", help="The language of the texts.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="The language wanted.")] = None,
    beams: Annotated[int | None, typer.Option(help="Beams to search: slower, often better.")] = None,
    start: Start = False,
) -> None:
    """Translate each text."""
    given = {"source_lang": source, "target_lang": target, "num_beams": beams}
    for texts, answer in _answers(options, "translation", model, text, given, start):
        results = cast("TranslateBatchResponse", answer).results
        for asked, result in zip(texts, results, strict=True):
            if options.as_json:
                say_json({"text": asked, "translated_text": result.translated_text})
            else:
                say(result.translated_text)


def embed(
    options: Options,
    text: Texts = None,
    model: Model = None,
    dimensions: Annotated[int | None, typer.Option(help="Keep only so many components.")] = None,
    start: Start = False,
) -> None:
    """Turn each text into a vector, printed as a JSON list."""
    for texts, answer in _answers(options, "embedding", model, text, {"dimensions": dimensions}, start):
        for asked, vector in zip(texts, cast("EmbedResponse", answer).embeddings, strict=True):
            say_json({"text": asked, "embedding": vector} if options.as_json else vector)


def add(app: typer.Typer) -> None:
    for function in (classify, translate, embed):
        command(app, function)


def _answers(
    options: Options, kind: ModelType, model: str | None, text: list[str] | None, given: dict[str, Any], start: bool
) -> Iterator[tuple[list[str], msgspec.Struct]]:
    """Each batch of texts with its response. `given` are the request's other fields, None for those left out."""
    texts = text or [line.rstrip("\n") for line in sys.stdin if line.strip()]
    if not texts:
        raise InvalidRequest("There is no text: give it as an argument, or one text per line on standard input.")
    fields = {key: value for key, value in given.items() if value is not None}
    batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
    for batch in counted(batches, "Texts"):
        request = InferenceRequest(kind, {"texts": batch, **fields}, model)
        answer = ask(options, lambda client, request=request: client.inference(request), start=start)  # type: ignore[misc]
        for warning in answer.warnings if hasattr(answer, "warnings") else []:
            note(warning)
        yield batch, answer
