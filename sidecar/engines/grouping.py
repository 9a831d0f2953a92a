"""Computes together what agrees, where one call of a library serves only inputs with the same options."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TypeVar

Input = TypeVar("Input")
Output = TypeVar("Output")


def in_groups(
    inputs: list[Input], options: Callable[[Input], object], compute: Callable[[list[Input]], Iterable[Output]]
) -> list[Output]:
    """`compute(group)` for the inputs whose options look alike; the outputs in the inputs' order."""
    looks = [repr(options(one)) for one in inputs]
    outputs: dict[int, Output] = {}
    for _, group in groupby(sorted(range(len(inputs)), key=looks.__getitem__), key=looks.__getitem__):
        members = list(group)
        outputs |= zip(members, compute([inputs[index] for index in members]), strict=True)
    return [outputs[index] for index in range(len(inputs))]
