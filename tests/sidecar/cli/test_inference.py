"""`generate`, `classify`, `translate`, `embed`: output, JSON, pipes and Ctrl-C."""

from __future__ import annotations

import json
import signal

from tests.helpers.command_line import PATIENCE, Command, idle, interruptible
from tests.helpers.service import RunningService


def test_generate_prints_the_answer(cli: Command) -> None:
    assert cli("generate", "--model", "echo", "--raw", "hello", "big", "world").stdout == "hello big world\n"


def test_generate_reads_standard_input(cli: Command) -> None:
    assert cli("generate", "-m", "echo", "--raw", stdin="from a pipe\n").stdout == "from a pipe\n"


def test_what_is_no_text_is_refused_with_what_to_do(cli: Command) -> None:
    done = cli(
        "classify", "-m", "classifier", stdin="tea\n\udc92\udcff\n"
    )  # bytes that are not UTF-8, as Python reads them
    assert (done.returncode, done.stderr) == (1, "What was given is not text in UTF-8. Convert it first.\n")


def test_generate_in_json_has_the_figures(cli: Command) -> None:
    answer = json.loads(cli("generate", "-m", "endless", "--max-new-tokens", "3", "--json", "again").stdout)
    assert (answer["finish_reason"], answer["usage"]["completion_tokens"]) == ("length", 3)


def test_generate_with_a_model_that_is_not_there_fails(cli: Command) -> None:
    done = cli("generate", "-m", "nope", "a")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nope" in done.stderr


def test_ctrl_c_ends_generate_and_its_computation(service: RunningService) -> None:
    words = ["generate", "-m", "endless", "--raw", "--max-new-tokens", "1000000", "again"]
    with interruptible(service, *words) as process:
        assert process.stdout is not None
        process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert idle(service, "endless")


def test_output_that_nobody_reads_any_more_is_no_traceback(service: RunningService) -> None:
    with interruptible(
        service, "generate", "-m", "endless", "--raw", "--max-new-tokens", "1000000", "again"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(20)
        process.stdout.close()
        assert process.wait(PATIENCE) == 1
        assert process.stderr.read() == b""


def test_classify_takes_arguments_or_lines(cli: Command) -> None:
    told = cli("classify", "-m", "classifier", "good", "bad").stdout.splitlines()
    assert [line.partition("\t")[2] for line in told] == ["good", "bad"]
    lines = cli(
        "classify", "-m", "classifier", "--json", "--labels", "tea,coffee", stdin="one\n\ntwo\n"
    ).stdout.splitlines()
    answers = [json.loads(line) for line in lines]
    assert [answer["text"] for answer in answers] == ["one", "two"]
    assert set(answers[0]["classifications"]) == {"tea", "coffee"}


def test_more_lines_than_fit_one_request_keep_their_order(cli: Command) -> None:
    texts = [f"text {number}" for number in range(150)]
    told = cli("translate", "-m", "translator", "--to", "fr", stdin="\n".join(texts)).stdout.splitlines()
    assert told == [f"[fr] {text}" for text in texts]


def test_embed_prints_one_vector_a_line(cli: Command) -> None:
    vectors = [json.loads(line) for line in cli("embed", "-m", "embedder", "a", "b").stdout.splitlines()]
    assert len(vectors) == 2
    assert len(vectors[0]) == 8


def test_no_text_at_all_is_an_error_that_says_so(cli: Command) -> None:
    done = cli("classify", "-m", "classifier", stdin="\n")
    assert done.returncode == 1
    assert "no text" in done.stderr
