"""Runs a peer's own library in a process of its own: a line of JSON in, the seconds it took out.

    python library_peer.py classify FOLDER | embed FOLDER | translate FOLDER

It is run by the peers' Python and imports nothing of this project. `texts` in a line are computed in one call; a first
line warms up like any other.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[list[str], dict[str, Any]], Any]


def main() -> None:
    kind, folder = sys.argv[1:3]
    out = sys.stdout
    sys.stdout = sys.stderr
    work = MAKERS[kind](folder)
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


MAKERS = {"classify": classify, "embed": embed, "translate": translate}

if __name__ == "__main__":
    main()
