"""Matrix products with the weights as they are, or as 8-bit integers with one scale per output channel.

The integer product is FBGEMM's, which reads a quarter of the bytes and is several times faster for a handful of rows.
Each row of the input gets a scale of its own, so that a row's result never depends on its neighbours.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal, Protocol

import torch
from torch.nn import functional

Precision = Literal["float32", "int8", "int4"]

INPUT_STEPS = 127
INPUT_ZERO = 128
# Seven bits for the weights: without VNNI the product of two full bytes overflows inside FBGEMM's kernels. The input, in which
# single values stand out further, gets the eighth.
WEIGHT_STEPS = 63
SCALE = 2 / INPUT_STEPS  # of an input divided by the power of two below its largest value
EXPONENT = 0x7F800000  # of a float32: what is left of a number is the power of two below it
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
    """The weights rounded to -63…63 times a scale per output.

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
        return self._of_one(x) if len(x) == 1 else self._of_many(x)

    def _of_one(self, x: torch.Tensor) -> torch.Tensor:
        """With the power of two in the scale of the product, which spares most of what `_of_many` does around it."""
        lowest, highest = torch.aminmax(x)
        largest = max(highest.item(), -lowest.item(), SMALLEST)
        if not math.isfinite(largest):  # FBGEMM makes numbers of what is none
            return self._of_many(x)
        product = self._product(x, math.ldexp(SCALE, math.frexp(largest)[1] - 1))
        return product if self._bias is None else product.add_(self._bias)

    def _of_many(self, x: torch.Tensor) -> torch.Tensor:
        shares = x.abs()
        powers = shares.amax(dim=-1, keepdim=True).clamp_(min=SMALLEST)
        powers.view(torch.int32).bitwise_and_(EXPONENT)
        product = self._product(torch.div(x, powers, out=shares), SCALE)  # what is written is still in the cache
        return product.mul_(powers) if self._bias is None else torch.addcmul(self._bias, product, powers, out=product)

    def _product(self, x: torch.Tensor, scale: float) -> torch.Tensor:
        weights = self._weights
        if isinstance(weights, torch.Tensor):
            return _plain(x, scale, weights, self._scales)
        return _packed(x, scale, weights)


def _plain(x: torch.Tensor, scale: float, int8: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """What FBGEMM computes, in its order: it scales and shifts the input with one rounding, which double stands for here.
    The sums are of integers, so float32 holds them without error up to 2²⁴, hundreds of times what real weights come to."""
    step = torch.tensor(scale)  # in float32, as FBGEMM holds it
    whole = (x.double() * (1 / step).double() + INPUT_ZERO).float().round_().sub_(INPUT_ZERO)
    block = BLOCK_FOR_MANY if len(whole) >= MANY_ROWS else BLOCK
    parts = int8.split(max(1, block // int8.shape[1]))
    return torch.cat([whole @ part.float().t() for part in parts], dim=1).mul_(scales * step)


def _packed(x: torch.Tensor, scale: float, weights: Any) -> torch.Tensor:
    # The library asks FBGEMM's weights whether they override functions, and each time an exception is thrown and caught in
    # C++: 30 µs, longer than most products of one row take. Nothing here overrides any.
    with torch._C.DisableTorchFunctionSubclass():
        return _multiply(x, scale, INPUT_ZERO, weights)


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
