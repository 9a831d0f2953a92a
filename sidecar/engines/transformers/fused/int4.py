"""Matrix products with weights rounded to 4 bits, in groups that have a scale and a lowest value each.

Half the bytes of 8 bits: quicker for one answer at a time, slower for several, and coarser. The input is not rounded.
"""

from __future__ import annotations

import torch

from sidecar.engines.transformers.fused.linear import Int8, Linear

GROUP = 32  # weights of one output that share a scale
STEPS = 15
MIDDLE = 8  # the kernel's zero
OUTPUTS = 16  # the kernel takes a multiple of so many
SMALLEST = 1e-12


class Int4:
    """`int4`: the kernel's own arrangement, which depends on the processor, shape (outputs, inputs / 2), uint8. `scales`:
    shape (groups, outputs, 2), each group's scale and the value of its MIDDLE."""

    def __init__(self, int4: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self._int4 = int4
        self._scales = scales
        self._bias = bias

    @property
    def shape(self) -> torch.Size:
        return torch.Size([self._int4.shape[0], 2 * self._int4.shape[1]])

    @classmethod
    def rounded(cls, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Linear:
        """Of weights whose shape the kernel does not take, the product in 8 bits."""
        outputs, inputs = weight.shape
        if outputs % OUTPUTS or inputs % GROUP:
            return Int8.rounded(weight, bias)
        groups = weight.view(outputs, -1, GROUP)
        low, high = groups.aminmax(dim=-1)
        scale = (high - low).clamp_(min=SMALLEST) / STEPS
        whole = ((groups - low[..., None]) / scale[..., None]).round_().to(torch.int32)
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(whole.view(outputs, inputs), 1)
        scales = torch.stack([scale, low + MIDDLE * scale], dim=-1).transpose(0, 1).contiguous()
        return cls(packed, scales, bias)

    def tensors(self) -> dict[str, torch.Tensor]:
        return {"int4": self._int4, "scales": self._scales} | ({} if self._bias is None else {"bias": self._bias})

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        product = torch.ops.aten._weight_int4pack_mm_for_cpu(x, self._int4, GROUP, self._scales)
        return product if self._bias is None else product.add_(self._bias)
