"""Matrix products with the weights as they are, or as 8-bit integers with one scale per output channel.

The integer product is FBGEMM's, which reads a quarter of the bytes and is several times faster for a handful of rows.
Each row of the input gets a scale of its own, so that a row's result never depends on its neighbours.
"""

from __future__ import annotations

import warnings
from typing import Literal, Protocol

import torch
from torch.nn import functional

Precision = Literal["float32", "int8"]

# Seven bits for the input: without VNNI the product of two full bytes overflows inside FBGEMM's kernels.
INPUT_STEPS = 63
INPUT_ZERO = 64
WEIGHT_STEPS = 127
SMALLEST = 1e-12  # of a row's largest value: a row of zeros stays zeros


class Linear(Protocol):
    """`x`: shape (rows, inputs), float32; the result has shape (rows, outputs)."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor: ...


def int8_available() -> bool:
    """Whether this build of the library and this processor have the integer kernels."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def linear(weight: torch.Tensor, bias: torch.Tensor | None, precision: Precision) -> Linear:
    """The product with `weight` of shape (outputs, inputs)."""
    return Int8(weight, bias) if precision == "int8" else Float(weight, bias)


class Float:
    """The weights in their own type."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self._weight = weight
        self._bias = bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._weight, self._bias)


class Int8:
    """The weights rounded to -127…127 times a scale per output."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        scales = weight.abs().amax(dim=1).clamp(min=SMALLEST).double() / WEIGHT_STEPS
        zeros = torch.zeros(len(weight), dtype=torch.long)
        with warnings.catch_warnings():
            # The library plans another home for these tensors; the version used here is pinned.
            warnings.filterwarnings("ignore", message=".*quantized tensor creation.*")
            whole = (weight / scales.float()[:, None]).round_().to(torch.int8)
            rounded = torch._make_per_channel_quantized_tensor(whole, scales, zeros, 0)
        torch.backends.quantized.engine = "fbgemm"
        self._packed = torch.ops.quantized.linear_prepack(rounded, None)
        self._bias = bias
        self._multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        largest = x.abs().amax(dim=-1, keepdim=True).clamp_(min=SMALLEST)
        product = self._multiply(x / largest, 1 / INPUT_STEPS, INPUT_ZERO, self._packed).mul_(largest)
        return product if self._bias is None else product.add_(self._bias)
