"""An exported program that can be called with texts of any number and length: opened from data alone, padded to its shapes.

The archive is read in parts and not with the library's own `load`, which unpickles sample inputs and would start machine
code. These functions of the library are not public; its version is pinned and the tests use each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch._export.serde import schema
from torch._export.serde.serialize import ExportedProgramDeserializer, _dict_to_dataclass
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.export.passes import move_to_device_pass
from torch.export.pt2_archive import PT2ArchiveReader
from torch.export.pt2_archive._package import _load_constants, _load_payload_config, _load_state_dict

from sidecar.engines.padded import to_longest
from sidecar.engines.text_inputs import Inputs, lengths
from sidecar.engines.transformers.exported.checking import NotPlain, checked
from sidecar.engines.transformers.padding import stack

GRAPH = "models/model.json"
TABLES = {"data/weights/model_weights_config.json": "weight_", "data/constants/model_constants_config.json": "tensor_"}
PICKLED = ("data/weights/model.pt", "data/constants/model.pt")
NO_END = 1 << 40  # sizes above are the library's infinity


@dataclass(frozen=True)
class Extent:
    """What the program takes of one dimension; both ends the same where it was exported with a fixed size."""

    least: int
    most: int

    def fitted(self, size: int) -> int:
        return max(self.least, size)


class Program:
    """`inputs`: names of what a tokenizer makes, in the order of the program's arguments; `output`: which of its results."""

    def __init__(
        self, exported: ExportedProgram, inputs: list[str], output: int | str, pad_id: int, device: torch.device
    ) -> None:
        places = _user_inputs(exported)
        if len(places) != len(inputs):
            names = ", ".join(place.name for place in places)
            raise NotPlain(f"it takes {len(places)} inputs ({names}), and the manifest names {len(inputs)}")
        self._inputs = dict(zip(inputs, (place.meta["val"].dtype for place in places), strict=True))
        rows, columns = (_common(exported, places, dimension) for dimension in (0, 1))
        self.rows: Extent = rows
        self.columns: Extent = columns
        self._output = output
        self._pad_id = pad_id
        self._device = device
        self._module = exported.module(check_guards=False)
        self._keywords = _keywords(exported)

    def __call__(self, inputs: list[Inputs]) -> list[torch.Tensor]:
        """One result per text, computed in as many calls as the program's number of rows makes necessary."""
        with torch.inference_mode():
            return [row for part in self._parts(inputs) for row in self._computed(part)]

    def padding(self, inputs: list[Inputs]) -> list[int]:
        """Tokens beside those of each text; whole rows of padding are the last text's."""
        return [count for part in self._parts(inputs) for count in self._padding(lengths(part))]

    def _padding(self, counts: list[int]) -> list[int]:
        found = to_longest(counts, at_least=self.columns.least)
        found[-1] += (self.rows.fitted(len(counts)) - len(counts)) * (found[-1] + counts[-1])
        return found

    def _parts(self, inputs: list[Inputs]) -> Iterator[list[Inputs]]:
        for start in range(0, len(inputs), self.rows.most):
            yield inputs[start : start + self.rows.most]

    def _computed(self, inputs: list[Inputs]) -> list[torch.Tensor]:
        """With rows of padding where the program wants more than there are."""
        padded = inputs + [inputs[0]] * (self.rows.fitted(len(inputs)) - len(inputs))
        result = self._result(self._called(self._batch(padded)))
        return list(result[: len(inputs)].cpu())

    def _batch(self, inputs: list[Inputs]) -> dict[str, torch.Tensor]:
        if lacking := [name for name in self._inputs if name not in inputs[0]]:
            raise NotPlain(f"its tokenizer makes no {lacking[0]}; it makes {', '.join(inputs[0])}")
        made = stack(inputs, self._pad_id, self._device, at_least=self.columns.least)
        return {name: made[name].to(dtype) for name, dtype in self._inputs.items()}

    def _called(self, batch: dict[str, torch.Tensor]) -> Any:
        if not self._keywords:
            return self._module(*batch.values())
        positional = len(batch) - len(self._keywords)
        values = list(batch.values())
        return self._module(*values[:positional], **dict(zip(self._keywords, values[positional:], strict=True)))

    def _result(self, found: Any) -> torch.Tensor:
        if isinstance(found, torch.Tensor) and self._output == 0:
            return found
        try:
            results: Any = (
                list(found.values()) if isinstance(found, Mapping) and isinstance(self._output, int) else found
            )
            result = results[self._output]
        except (LookupError, TypeError) as error:
            raise NotPlain(f"it gives no output {self._output!r}") from error
        if not isinstance(result, torch.Tensor):
            raise NotPlain(f"its output {self._output!r} is no tensor")
        return result


def open_program(file: Path, device: torch.device) -> ExportedProgram:
    """Raises NotPlain for anything but a graph of ATen operators with raw weights, and what the library raises."""
    with PT2ArchiveReader(str(file)) as archive:
        _check_parts(archive)
        graph = _dict_to_dataclass(schema.ExportedProgram, checked(json.loads(archive.read_bytes(GRAPH))))
        weights, constants = _load_state_dict(archive, "model"), _load_constants(archive, "model")
        exported = ExportedProgramDeserializer().deserialize(graph, weights, constants, b"")
    return exported if device.type == "cpu" else move_to_device_pass(exported, device)


def _check_parts(archive: PT2ArchiveReader) -> None:
    """Before any weight is read: none of them may be pickled."""
    names = set(archive.get_file_names())
    if pickled := names.intersection(PICKLED):
        raise NotPlain(f"it holds {min(pickled)}, which is pickled and can run code when it is opened")
    for table, prefix in TABLES.items():
        for name, entry in _load_payload_config(archive, table).config.items():
            if entry.use_pickle or not entry.path_name.startswith(prefix):
                raise NotPlain(f"its {name} is pickled and can run code when it is opened")


def _user_inputs(exported: ExportedProgram) -> list[Any]:
    specs = exported.graph_signature.input_specs
    placeholders = [node for node in exported.graph.nodes if node.op == "placeholder"]
    return [node for node, spec in zip(placeholders, specs, strict=True) if spec.kind is InputKind.USER_INPUT]


def _common(exported: ExportedProgram, places: list[Any], dimension: int) -> Extent:
    """The sizes that all inputs take."""
    extents = [_extent(exported, place, dimension) for place in places]
    return Extent(max(extent.least for extent in extents), min(extent.most for extent in extents))


def _extent(exported: ExportedProgram, place: Any, dimension: int) -> Extent:
    value = place.meta.get("val")
    if not isinstance(value, torch.Tensor) or value.dim() != 2:
        raise NotPlain(f"its input {place.name} is no matrix of (texts, tokens)")
    size = value.shape[dimension]
    if isinstance(size, int):
        return Extent(size, size)
    bounds = exported.range_constraints[size.node.expr]
    return Extent(max(1, int(bounds.lower)), int(bounds.upper) if bounds.upper < NO_END else NO_END)


def _keywords(exported: ExportedProgram) -> list[str]:
    """The names of the arguments that it takes by name, which are its last."""
    _, by_name = exported.call_spec.in_spec.children()
    return list(by_name.context)
