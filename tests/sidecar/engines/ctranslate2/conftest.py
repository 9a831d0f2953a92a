"""Converted tiny models, made once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sidecar.engines import ctranslate2
from sidecar.engines.base import Model
from sidecar.engines.ctranslate2.conversion import convert
from sidecar.engines.transformers.loading import load_model
from sidecar.types import ModelType
from tests.helpers.models import tiny
from tests.helpers.worker import frame

Converted = Callable[..., Model]
ConvertedFolder = Callable[[str, ModelType, str], Path]


@pytest.fixture(scope="session")
def converted_folder(tmp_path_factory: pytest.TempPathFactory) -> ConvertedFolder:
    """`converted_folder("marian", "translation", "int8")`: where the converted tiny model lies, made once."""

    @functools.cache
    def folder(name: str, task: ModelType, precision: str) -> Path:
        target = tmp_path_factory.mktemp("converted") / name
        convert(load_model(frame(tiny(name), task), torch.device("cpu")), target, precision)
        return target

    return folder


@pytest.fixture(scope="session")
def converted(converted_folder: ConvertedFolder) -> Converted:
    """`converted("marian", "translation")`: the tiny model as this engine runs it, in float32 unless told otherwise."""

    def loaded(name: str, task: ModelType, precision: str = "float32") -> Model:
        return ctranslate2.load(frame(tiny(name), task, prepared=str(converted_folder(name, task, precision))))

    return loaded
