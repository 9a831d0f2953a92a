"""What one request leaves in the figures."""

from __future__ import annotations

from sidecar.types import EmbedRequest

from .conftest import AddEcho, OpenManager


async def test_padding_is_counted_apart_from_what_was_read(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "m", model_type="embedding")
    await manager.embed(model, EmbedRequest(texts=["one two three four", "one"]), caller="owner")
    figures = manager.metrics.exposition().decode()
    assert 'inglenook_tokens_total{direction="read",model="m"} 5.0' in figures
    assert 'inglenook_tokens_total{direction="padding",model="m"} 3.0' in figures
