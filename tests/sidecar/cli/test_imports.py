"""`import`, `export` and `pull` of addresses on a real service."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.command_line import Command
from tests.helpers.gguf_models import gguf_model
from tests.helpers.hub import HubServer


def test_a_model_is_imported_exported_and_imported_again(command: Command, tmp_path: Path) -> None:
    assert command("import", str(gguf_model("qwen2")), "--name", "mine").stdout == "mine is here.\n"
    assert command("export", "mine", str(tmp_path)).stdout == f"mine is in {tmp_path / 'mine.inglenook'}.\n"
    listed = json.loads(command("import", str(tmp_path / "mine.inglenook"), "--found", "--json").stdout)
    assert [(one["name"], one["source"], one["model_id"]) for one in listed] == [("mine", "bundle", "mine")]
    assert "The one file of mine is" in command("verify", "mine").stdout
    assert command("remove", "mine").returncode == 0
    assert command("import", str(tmp_path / "mine.inglenook")).stdout == "mine is here.\n"


def test_a_model_is_used_where_it_is(command: Command) -> None:
    file = gguf_model("llama-base")
    assert command("import", str(file), "--in-place").stdout == "llama-base is here.\n"
    told = next(one for one in json.loads(command("models", "--json").stdout) if one["id"] == "llama-base")
    assert (told["origin"], told["model_path"]) == ("in_place", str(file))


def test_what_cannot_be_imported_fails_with_the_reason(command: Command, tmp_path: Path) -> None:
    done = command("import", str(tmp_path / "none"))
    assert (done.returncode, "is not there" in done.stderr) == (1, True)
    assert "--found" in command("import").stderr


def test_addresses_are_pulled_and_names_of_ollama_refused_in_words(command: Command, hub: HubServer) -> None:
    hub.add("org/cli", {"cli.gguf": gguf_model("qwen2-q8").read_bytes()})
    assert command("pull", f"{hub.store_url}/blobs/org/cli/cli.gguf").stdout == "cli is here.\n"
    assert command("pull", "org/cli:cli", "--name", "again").stdout == "again is here.\n"
    assert "Ollama's own registry" in command("pull", "llama3.2:1b").stderr
    assert "says itself which revision" in command("pull", "org/cli:cli", "--revision", "v2").stderr
