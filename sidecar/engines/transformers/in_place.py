"""Rounds the matrix products of a library model to 8 bits where they stand: of every model that is no fused decoder.

The model is tried on samples, exactly and then rounded. What that showed is kept on disk, so that it is tried once; what
is rounded is not, because rounding takes less time than reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from sidecar.engines import verification
from sidecar.engines.base import Model
from sidecar.engines.comparing import answers, measures
from sidecar.engines.transformers.fused import rounding
from sidecar.engines.transformers.fused.kept import Shelf
from sidecar.engines.transformers.fused.linear import Int8
from sidecar.engines.transformers.fused.modules import exact_on_processor
from sidecar.engines.transformers.fused.rounding import RoundedTooCoarsely
from sidecar.engines.transformers.fused.trial import Agreement, next_words
from sidecar.engines.transformers.loading import LoadedModel, context_length

PRECISION = rounding.KEPT["int8"]
FEWEST_WEIGHTS = 1 << 16  # of a product: a smaller one, such as the head of a classifier, gains nothing
LEAST_SHARE = 0.5  # of the weights that are multiplied; where products are not modules, as of many experts, it is less

Products = dict[str, Any]  # the library's layers by name


class Product(nn.Module):  # type: ignore[misc]
    """Stands where one of the library's layers stood. Takes shape (…, inputs), gives (…, outputs)."""

    def __init__(self, product: Int8) -> None:
        super().__init__()
        self._product = product
        self.weight = torch.empty(0)  # T5 looks at its type

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Without the library's detours for hooks, which take longer than some of the products. Nothing here has any."""
        if x.dim() == 2:
            return self._product(x)
        return self._product(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1)


def round_in_place(loaded: LoadedModel, model: Model) -> None:
    """Round where it is asked for, or worth it, and the answers stay the same. Raises RoundedTooCoarsely where they do not:
    the model has to be loaded anew. Raises LoadFailed on a processor without the kernels."""
    frame, products = loaded.frame, _products(loaded.model)
    asked = "auto" if frame.quantization == "int4" else frame.quantization
    if (
        not _can_round(loaded.model, products)
        or rounding.choose(frame.model, asked, model.facts.parameters) != PRECISION
    ):
        return
    shelf = Shelf(frame.derived, loaded.folder)
    if known := shelf.find(PRECISION):
        _follow(known.agreement, asked, loaded, model, products)
        return
    agreement = _tried(loaded, model, products)
    shelf.put(agreement, {})
    model.facts.warnings += rounding.judge(asked, agreement)
    model.facts.precision = PRECISION


def _follow(known: Agreement, asked: str, loaded: LoadedModel, model: Model, products: Products) -> None:
    """Do what an earlier trial allows."""
    try:
        model.facts.warnings += rounding.judge(asked, known)
    except RoundedTooCoarsely as coarse:  # nothing was rounded yet
        model.facts.warnings.append(str(coarse))
        return
    _replace(loaded.model, products)
    model.facts.precision = PRECISION


def _products(model: Any) -> Products:
    """Classes derived from the library's may use their weights in other ways."""
    return {
        name: module
        for name, module in model.named_modules()
        if type(module) in (nn.Linear, Conv1D) and module.weight.numel() >= FEWEST_WEIGHTS
    }


def _can_round(model: Any, products: Products) -> bool:
    if not exact_on_processor(model):
        return False
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    multiplied = _count(model.parameters(), tables)
    rounded = _count((product.weight for product in products.values()), tables)
    return rounded > 0 and rounded >= LEAST_SHARE * multiplied


def _count(weights: Iterable[torch.Tensor], tables: set[int]) -> int:
    """Of those that are no table of words."""
    return sum(weight.numel() for weight in weights if id(weight) not in tables)


def _replace(model: Any, products: Products) -> None:
    """Uses up `products`, so that no weight is in memory twice for long."""
    rounded: list[Int8] = []
    with torch.no_grad():
        while products:
            name, exact = products.popitem()
            rounded.append(_rounded(exact))
            model.set_submodule(name, Product(rounded[-1]))
        for left in (*model.parameters(), *model.buffers()):
            left.data = left.data.clone()  # a view of the mapped file would keep all of it in memory
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        list(threads.map(Int8.pack, rounded))


def _rounded(module: Any) -> Int8:
    weight = module.weight.t().contiguous() if isinstance(module, Conv1D) else module.weight
    return Int8.rounded(weight.detach(), None if module.bias is None else module.bias.detach().clone())


def _tried(loaded: LoadedModel, model: Model, products: Products) -> Agreement:
    """How the rounded model compares with what it was before. Raises RoundedTooCoarsely where it cannot be computed."""
    task = loaded.frame.task
    reads = task in ("classification", "embedding")
    ask = (lambda: answers(model, task)) if reads else (lambda: _scores(loaded))
    try:
        exact = ask()
        _replace(loaded.model, products)
        rounded = ask()
    except Exception as error:  # whatever it is: the code of some models uses weights of layers by itself
        raise RoundedTooCoarsely(Agreement(PRECISION, {}, f"it cannot be computed ({error})")) from error
    if not reads:
        return next_words(exact, rounded, PRECISION)
    found = measures(task, exact, rounded)
    return Agreement(PRECISION, found, verification.complaint(task, found))


def _scores(loaded: LoadedModel) -> torch.Tensor:
    """Of every next word of a sample text, shape (positions, words)."""
    vocabulary = loaded.config.get_text_config().vocab_size
    ids = torch.tensor([rounding.sample(loaded.tokenizer, vocabulary)[: context_length(loaded)]])
    written = {"decoder_input_ids": ids} if loaded.config.is_encoder_decoder else {}
    with torch.inference_mode():
        return loaded.model(input_ids=ids, **written).logits[0].float()
