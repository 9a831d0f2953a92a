"""Matrix products with the weights as they are, or as 8-bit integers with one scale per output channel.

The integer product is FBGEMM's, which reads a quarter of the bytes and is several times faster for a handful of rows.
Each row of the input gets a scale of its own, so that a row's result never depends on its neighbours.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal, Protocol

import torch
from torch.nn import functional

Precision = Literal["float32", "int8", "int4"]

# Seven bits for the input: without VNNI the product of two full bytes overflows inside FBGEMM's kernels.
INPUT_STEPS = 63
INPUT_ZERO = 64
INPUT_SCALE = torch.tensor(1 / INPUT_STEPS)  # in float32, as FBGEMM holds it
STEPS_PER_UNIT = (1 / INPUT_SCALE).double()
WEIGHT_STEPS = 127
SMALLEST = 1e-12  # of a row's largest value: a row of zeros stays zeros
BLOCK = 1 << 18  # weights that are turned to float32 at a time: they stay in a core's cache
BLOCK_FOR_MANY = 1 << 22  # with many rows the product itself is what takes time, and wants larger pieces
MANY_ROWS = 16


class Linear(Protocol):
    """`x`: shape (rows, inputs), float32; the result has shape (rows, outputs)."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor: ...

    @property
    def shape(self) -> torch.Size:
        """(outputs, inputs)."""

    def tensors(self) -> dict[str, torch.Tensor]:
        """What it was made of, by the names of the arguments of its class."""


def int8_available() -> bool:
    """Whether this build of the library and this processor have the integer kernels."""
    return "fbgemm" in torch.backends.quantized.supported_engines


class Float:
    """The weights in their own type."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self._weight = weight
        self._bias = bias

    @property
    def shape(self) -> torch.Size:
        return self._weight.shape

    def tensors(self) -> dict[str, torch.Tensor]:
        return present(weight=self._weight, bias=self._bias)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._weight, self._bias)


class Int8:
    """The weights rounded to -127…127 times a scale per output.

    FBGEMM's own arrangement of them takes long to make. Until `pack` has made it, the same product is computed from the
    plain integers, several times slower and equal to the last bit, so that nobody has to wait.
    """

    def __init__(self, int8: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self.shape = int8.shape
        self._scales = scales
        self._bias = bias
        self._weights: Any = int8  # or FBGEMM's; one attribute, so that another thread may replace it at any moment

    @classmethod
    def rounded(cls, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Int8:
        rows = max(1, BLOCK // weight.shape[1])
        scales = torch.cat([part.abs().amax(dim=1) for part in weight.split(rows)]).clamp_(min=SMALLEST) / WEIGHT_STEPS
        int8 = torch.empty(weight.shape, dtype=torch.int8)
        for into, part, scale in zip(int8.split(rows), weight.split(rows), scales.split(rows), strict=True):
            into.copy_((part / scale[:, None]).round_())
        return cls(int8, scales, bias)

    @property
    def packed(self) -> bool:
        return not isinstance(self._weights, torch.Tensor)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Only until it is packed."""
        return present(int8=self._weights, scales=self._scales, bias=self._bias)

    def pack(self) -> None:
        """Arrange the weights as FBGEMM wants them. Takes one core; may be called while another thread multiplies."""
        with torch.inference_mode():
            zeros = torch.zeros(len(self._scales), dtype=torch.long)
            whole = _quantized(self._weights, self._scales.double(), zeros)
            self._weights = torch.ops.quantized.linear_prepack(whole, None)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        shares = x.abs()
        largest = shares.amax(dim=-1, keepdim=True).clamp_(min=SMALLEST)
        weights, shares = self._weights, torch.div(x, largest, out=shares)  # what is written is still in the cache
        plain = isinstance(weights, torch.Tensor)
        product = _plain(shares, weights, self._scales) if plain else _packed(shares, weights)
        if self._bias is None:
            return product.mul_(largest)
        return torch.addcmul(self._bias, product, largest, out=product)


def _plain(shares: torch.Tensor, int8: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """What FBGEMM computes, in its order: it scales and shifts the input with one rounding, which double stands for here.
    The sums are of integers, so float32 holds them without error up to 2²⁴, hundreds of times what real weights come to."""
    whole = (shares.double() * STEPS_PER_UNIT + INPUT_ZERO).float().round_().sub_(INPUT_ZERO)
    block = BLOCK_FOR_MANY if len(whole) >= MANY_ROWS else BLOCK
    parts = int8.split(max(1, block // int8.shape[1]))
    return torch.cat([whole @ part.float().t() for part in parts], dim=1).mul_(scales * INPUT_SCALE)


def _packed(shares: torch.Tensor, weights: Any) -> torch.Tensor:
    # The library asks FBGEMM's weights whether they override functions, and each time an exception is thrown and caught in
    # C++: 30 µs, longer than most products of one row take. Nothing here overrides any.
    with torch._C.DisableTorchFunctionSubclass():
        return _multiply(shares, 1 / INPUT_STEPS, INPUT_ZERO, weights)


def present(**tensors: torch.Tensor | None) -> dict[str, torch.Tensor]:
    """Those that are not None."""
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


def _quantized(int8: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor) -> torch.Tensor:
    return torch._make_per_channel_quantized_tensor(int8, scales, zeros, 0)


if int8_available():
    torch.backends.quantized.engine = "fbgemm"
    # The operation itself: what the library puts in front of it looks at every argument in Python.
    _multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default._op
    with warnings.catch_warnings():
        # The library plans another home for these tensors and says so once in a process; the version used is pinned.
        warnings.filterwarnings("ignore", message=".*quantized tensor creation.*")
        _quantized(torch.zeros(1, 1, dtype=torch.int8), torch.ones(1).double(), torch.zeros(1, dtype=torch.long))
