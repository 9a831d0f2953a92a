"""Runs a peer's own library in a process of its own: a line of JSON in, the seconds it took out.

    python library_peer.py classify FOLDER | embed FOLDER | translate FOLDER
    python library_peer.py classify-ct2 | translate-ct2  FOLDER CONVERTED COMPUTE_TYPE THREADS

It is run by the peers' Python, for CTranslate2 by this project's, and imports nothing of this project. `texts` in a line are
computed in one call; a first line warms up like any other.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Work = Callable[[list[str], dict[str, Any]], Any]


def main() -> None:
    kind, *arguments = sys.argv[1:]
    out = sys.stdout
    sys.stdout = sys.stderr
    work = MAKERS[kind](*arguments)
    for line in sys.stdin:
        options = json.loads(line)
        texts = options.pop("texts")
        begun = time.perf_counter()
        work(texts, options)
        out.write(f"{time.perf_counter() - begun}\n")
        out.flush()


def classify(folder: str) -> Work:
    from transformers import pipeline

    ask = pipeline("text-classification", model=folder, device="cpu")
    return lambda texts, options: ask(texts if len(texts) > 1 else texts[0], truncation=True, **options)


def embed(folder: str) -> Work:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    return lambda texts, options: model.encode(texts, show_progress_bar=False, **options)


def translate(folder: str) -> Work:
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSeq2SeqLM.from_pretrained(folder)

    def work(texts: list[str], options: dict[str, Any]) -> list[str]:
        batch = tokenizer(texts, return_tensors="pt", padding=True)
        with torch.inference_mode():
            return list(tokenizer.batch_decode(model.generate(**batch, do_sample=False, num_beams=1, **options)))

    return work


def classify_ct2(folder: str, converted: str, compute_type: str, threads: str) -> Work:
    """The head of a DistilBERT, two layers on the first token, is computed as a program would that has it in numpy."""
    import ctranslate2
    import numpy as np
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    encoder = ctranslate2.Encoder(converted, compute_type=compute_type, intra_threads=int(threads))
    head = load_file(f"{converted}/head.safetensors")

    def work(texts: list[str], options: dict[str, Any]) -> list[int]:
        ids = [tokenizer.encode(text).ids for text in texts]
        first = np.asarray(encoder.forward_batch(ids).last_hidden_state)[:, 0]
        inner = np.maximum(first @ head["0.weight"].T + head["0.bias"], 0)
        return list((inner @ head["1.weight"].T + head["1.bias"]).argmax(axis=1))

    return work


def translate_ct2(folder: str, converted: str, compute_type: str, threads: str) -> Work:
    import ctranslate2
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    names = json.loads(Path(converted, "shared_vocabulary.json").read_text("utf-8"))
    manifest = json.loads(Path(converted, "manifest.json").read_text("utf-8"))
    translator = ctranslate2.Translator(converted, compute_type=compute_type, intra_threads=int(threads))
    known = {name: number for number, name in enumerate(names)}

    def work(texts: list[str], options: dict[str, Any]) -> list[str]:
        rows = [[names[token] for token in row] for row in tokenizer(texts).input_ids]
        limit = options["max_new_tokens"] - manifest["forced_end"]  # as many as the service lets it write
        found = translator.translate_batch(
            rows, beam_size=1, max_decoding_length=limit, suppress_sequences=manifest["suppressed"]
        )
        answers = [[known[name] for name in one.hypotheses[0]] for one in found]
        return list(tokenizer.batch_decode(answers, skip_special_tokens=True))

    return work


MAKERS: dict[str, Callable[..., Work]] = {
    "classify": classify,
    "embed": embed,
    "translate": translate,
    "classify-ct2": classify_ct2,
    "translate-ct2": translate_ct2,
}

if __name__ == "__main__":
    main()
