"""How imports and exports are told."""

import pytest

from app.model_words import keeper
from app.transfer_words import bytes_to_copy, figures, name, note, source_name, title, trouble
from sidecar.errors import DiskFull, InvalidRequest
from sidecar.types import Importable, JobInfo


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/a/.ollama/models/manifests/registry.ollama.ai/library/llama3.2/1b", "llama3.2:1b"),
        ("/home/a/.ollama/models/manifests-v2/registry.ollama.ai/library/qwen3/latest", "qwen3"),
        ("/home/a/.cache/huggingface/hub/models--org--Name-7B/snapshots/0a0a", "Name-7B"),
        ("/home/a/models/little.gguf", "little.gguf"),
    ],
)
def test_a_source_is_called_as_its_program_calls_it(path, expected):
    assert source_name(path) == expected


def test_a_running_import_tells_its_stage_and_its_bytes():
    job = JobInfo(
        "1", "import", "/m/a.gguf", "running", stage="verifying", bytes_done=217_000_000, bytes_total=301_000_000
    )
    assert (title(job), figures(job)) == ("Importing a.gguf", "Verifying · 217 of 301 MB")


def test_what_failed_says_why():
    job = JobInfo("1", "export", "org/Name-7B", "failed", message="The disk is full.")
    assert (title(job), figures(job)) == ("Name-7B was not exported", "The disk is full.")


def test_a_file_from_an_address_is_called_by_its_name():
    assert name(JobInfo("1", "fetch", "https://example.org/a/my%20model.gguf?x=1", "queued")) == "my model.gguf"


def test_the_name_of_a_requests_field_is_not_told():
    assert trouble(InvalidRequest(reason="path: /x is not there")) == "/x is not there."
    assert trouble(DiskFull("The disk is full.")) == "The disk is full."


def test_a_row_says_what_is_to_be_known_before_importing():
    chat = Importable("m", "/m", "ollama", 5, "text_generation", model_id="org/m")
    assert note(chat, in_place=False) == "Chat · here already as org/m"
    bundle = Importable("b", "/b", "bundle", 5, in_place=False)
    assert (note(bundle, in_place=False), note(bundle, in_place=True)) == ("", "Has to be copied")
    assert note(Importable("p", "/p", "ollama", 5, problem="it is not whole"), in_place=False) == "It is not whole."


def test_only_what_is_copied_takes_space_and_what_is_converted_takes_it_twice():
    plain = Importable("m", "/m", "gguf", 5)
    old = Importable("m", "/m", "folder", 5, permission="pickle", in_place=False)
    here = Importable("m", "/m", "gguf", 5, model_id="m")
    assert [bytes_to_copy(one, in_place=False) for one in (plain, old, here)] == [5, 10, 0]
    assert [bytes_to_copy(one, in_place=True) for one in (plain, old, here)] == [0, 10, 0]


@pytest.mark.parametrize(
    ("path", "program"),
    [
        ("/home/a/.ollama/models/blobs/sha256-00ff", "Ollama"),
        ("/home/a/.lmstudio/models/me/one/one.gguf", "LM Studio"),
        ("/home/a/models/one.gguf", ""),
    ],
)
def test_the_program_that_keeps_a_file_is_known_by_its_place(path, program):
    assert keeper(path) == program
