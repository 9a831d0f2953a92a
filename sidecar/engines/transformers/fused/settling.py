"""What happens to a rounded decoder while it answers already: its weights are packed, then kept on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import torch

from sidecar.engines.transformers.fused.decoder import Decoder
from sidecar.engines.transformers.fused.generator import FusedGenerator
from sidecar.engines.transformers.fused.linear import Int8
from sidecar.engines.transformers.memory import trim

log = logging.getLogger(__name__)

PATIENCE_S = 1.0


def settle(decoder: Decoder, generator: FusedGenerator, keep: Callable[[], None]) -> Thread:
    """Pack, and then call `keep`. A model is mostly loaded because somebody waits: the first word of the first answer goes
    before. From then on packing takes all threads that models may use: the sooner it ends, the sooner words come quickly.
    """
    # In a list, so that it can be let go before the thread ends: it holds the weights as they were before they were packed.
    thread = Thread(target=_settle, args=(decoder, generator, [keep]), name="settling", daemon=True)
    thread.start()
    return thread


def _settle(decoder: Decoder, generator: FusedGenerator, keep: list[Callable[[], None]]) -> None:
    while not generator.answering.wait(PATIENCE_S) and generator.reading:
        pass
    try:
        products = [product for product in decoder.products() if isinstance(product, Int8)]
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            list(threads.map(Int8.pack, products))
        keep.pop()()
    except Exception:
        # Whatever it is, such as too little memory: the decoder answers as before, only not as quickly.
        log.exception("settling a rounded model failed")
    keep.clear()
    trim()
