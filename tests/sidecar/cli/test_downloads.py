"""`pull`, `downloads`, `verify` and `hub` on a real service with a hub of its own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.command_line import Command
from tests.helpers.hub import Fault, HubServer, model_files


def test_a_model_is_pulled_verified_and_removed(command: Command, hub: HubServer) -> None:
    hub.add("org/model", model_files())
    assert command("pull", "org/model").stdout == "org/model is here.\n"
    assert "org/model" in command("models").stdout
    assert command("verify", "org/model").stdout == "All 4 files of org/model are what was fetched.\n"
    folder = Path(json.loads(command("models", "--json").stdout)[0]["model_path"])
    (folder / "config.json").write_text("{}", "utf-8")
    done = command("verify", "org/model")
    assert (done.returncode, "Damaged: config.json" in done.stderr) == (1, True)
    assert command("remove", "org/model").returncode == 0
    assert not folder.exists()


def test_a_model_that_is_not_there_fails_with_the_reason(command: Command) -> None:
    done = command("pull", "org/none")
    assert done.returncode == 1
    assert "org/none" in done.stderr


def test_a_permission_that_is_missing_is_named_as_the_option_that_gives_it(command: Command, hub: HubServer) -> None:
    files = model_files(seed=3)
    hub.add("org/old", {"config.json": files["config.json"], "pytorch_model.bin": b"x"})
    assert command("pull", "org/old").stderr.endswith("On the command line: --allow pickle\n")


def test_a_hub_that_cannot_be_asked_fails_at_once_in_words_and_the_same_command_goes_on(
    command: Command, hub: HubServer
) -> None:
    hub.add("org/late", model_files(seed=2))
    hub.fail("api", Fault("status", status=429, retry_after="3600"))
    done = command("pull", "org/late")
    first, *rest = done.stderr.splitlines()
    assert (done.returncode, first, len(rest)) == (1, "Fetching org/late", 1)
    assert "it wants fewer requests" in rest[0]
    assert rest[0].endswith("The same command tries it again.")
    assert json.loads(command("downloads", "--json").stdout)[0]["state"] == "paused"
    assert command("pull", "org/late").stdout == "org/late is here.\n"


def test_downloads_are_listed_and_forgotten(command: Command, hub: HubServer) -> None:
    hub.add("org/listed", model_files(seed=1))
    job = json.loads(command("pull", "org/listed", "--json").stdout)["job_id"]
    assert job in command("downloads").stdout
    assert json.loads(command("downloads", job, "--json").stdout)["state"] == "done"
    assert command("downloads", job, "pause").returncode == 3
    command("downloads", job, "forget")
    assert job not in command("downloads").stdout


def test_a_token_is_read_from_standard_input_and_forgotten(command: Command, hub: HubServer) -> None:
    hub.tokens["hf_mine"] = "me"
    assert "The token of me is kept in a file" in command("hub", "login", stdin="hf_mine\n").stdout
    assert "whose token it is" in command("hub", "connections").stdout
    assert command("hub", "logout").stdout == "No token is kept.\n"
