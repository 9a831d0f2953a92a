"""Matrix products with weights rounded to 4 bits, in groups that have a scale and a value in the middle each.

Half the bytes of 8 bits: slower but for one answer of a small model, and coarser. The kernel is quick only in bfloat16, to which
input and result are rounded; next to what 4 bits lose that is little.
"""

from __future__ import annotations

import torch

from sidecar.engines.transformers.fused.linear import Int8, Linear, present

GROUP = 32  # weights of one output that share a scale
STEPS = 15
MIDDLE = 8  # the kernel's zero
OUTPUTS = 16  # the kernel takes a multiple of so many
SMALLEST = 1e-12


class Int4:
    """`int4`: the kernel's own arrangement, which depends on the processor, shape (outputs, inputs / 2), uint8. `scales`:
    shape (groups, outputs, 2), bfloat16, each group's scale and the value of its MIDDLE."""

    def __init__(self, int4: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        self._int4 = int4
        self._scales = scales
        self._bias = bias

    @property
    def shape(self) -> torch.Size:
        return torch.Size([len(self._int4), 2 * self._int4.shape[1]])

    @classmethod
    def rounded(cls, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Linear:
        """Of weights whose shape the kernel does not take, the product in 8 bits."""
        outputs, inputs = weight.shape
        if outputs % OUTPUTS or inputs % GROUP:
            return Int8.rounded(weight, bias)
        groups = weight.view(outputs, -1, GROUP)
        low, high = groups.aminmax(dim=-1)
        scale = (high - low).clamp_(min=SMALLEST) / STEPS
        scales = torch.stack([scale, low + MIDDLE * scale], dim=-1).bfloat16()
        scale, middle = scales.float().unbind(-1)
        whole = ((groups - middle[..., None]) / scale[..., None] + MIDDLE).round_().clamp_(0, STEPS).int()
        packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(whole.view(outputs, inputs), 1)
        return cls(packed, scales.transpose(0, 1).contiguous(), bias)

    def tensors(self) -> dict[str, torch.Tensor]:
        return present(int4=self._int4, scales=self._scales, bias=self._bias)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        product = torch.ops.aten._weight_int4pack_mm_for_cpu(x.bfloat16(), self._int4, GROUP, self._scales).float()
        return product if self._bias is None else product.add_(self._bias)
