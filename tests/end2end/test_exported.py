"""An exported program through the whole service, beside one whose graph would run code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar import errors
from sidecar.types import ClassifyRequest, EmbedRequest, RegisterRequest
from tests.helpers.exported import changed_graph, exported_classifier, exported_embedder
from tests.helpers.service import running_service


def hostile(program: dict[str, Any]) -> None:
    program["graph_module"]["graph"]["nodes"][0]["target"] = "torch.os.system"


async def test_a_program_is_a_model_like_any_other(tmp_path: Path) -> None:
    evil = changed_graph(exported_classifier(), tmp_path / "evil", hostile)
    with running_service(tmp_path / "data") as service:
        async with service.client() as client:
            folder = str(exported_classifier())
            await client.register(RegisterRequest(name="own", model_type="classification", model_path=folder))
            with pytest.raises(errors.LoadFailed, match=r"'torch\.os\.system'"):
                await client.register(RegisterRequest(name="evil", model_type="classification", model_path=str(evil)))
            found = await client.classify("own", ClassifyRequest(text="good sun"))
            assert set(found.classifications) == {"negative", "neutral", "positive"}
            folder = str(exported_embedder())
            await client.register(RegisterRequest(name="vectors", model_type="embedding", model_path=folder))
            assert (await client.embed("vectors", EmbedRequest(texts=["good sun"]))).dimensions == 32
            assert (await client.model("own")).engine == "transformers"
