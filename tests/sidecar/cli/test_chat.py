"""`chat` through pipes and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

from tests.helpers.command_line import PATIENCE, Command, environment, idle, interruptible
from tests.helpers.service import ROOT, RunningService, end


def test_chat_answers_line_by_line_until_the_input_ends(cli: Command) -> None:
    done = cli("chat", "-m", "echo", stdin="first words\n/clear\nsecond words\n")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if "words" in line] == ["first words", "second words"]


def test_chat_sends_the_whole_conversation(cli: Command) -> None:
    cli("config", "set", "history_texts", "true")
    cli("chat", "-m", "echo", "--system", "Be brief.", stdin="one\ntwo\n")
    asked = json.loads(cli("history", "--model", "echo", "--limit", "1", "--json").stdout)["entries"][0]["input_text"]
    cli("config", "unset", "history_texts")
    assert asked == "system: Be brief.\nuser: one\nassistant: one\nuser: two"


def test_chat_survives_an_error_and_goes_on(cli: Command) -> None:
    done = cli("chat", "-m", "echo", stdin="[[error]]\nstill here\n")
    assert done.returncode == 0
    assert "engine failed" in done.stderr
    assert "still here" in done.stdout


def test_ctrl_c_stops_the_answer_and_not_the_chat(service: RunningService) -> None:
    with interruptible(service, "chat", "-m", "endless", "--max-new-tokens", "1000000") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"again\n")
        process.stdin.flush()
        process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() + process.stderr.readline() == b"\nStopped.\n"
        process.stdin.write(b"/help\n")
        process.stdin.close()
        assert b"/clear" in process.stdout.read()
        assert process.wait(PATIENCE) == 0
    assert idle(service, "endless")


def test_chat_on_a_terminal_prompts_and_leaves_on_ctrl_d(service: RunningService) -> None:
    main, sub = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sidecar", "chat", "-m", "echo"],
        cwd=ROOT,
        env=environment(INGLENOOK_DATA_DIR=str(service.paths.data_dir), TERM="dumb"),
        stdin=sub,
        stdout=sub,
        stderr=sub,
    )
    os.close(sub)
    try:
        shown = read_until(main, b"> ")
        os.write(main, b"hello terminal\n")
        shown += read_until(main, b"hello terminal\r\n> ")
        os.write(main, b"\x04")
        assert process.wait(PATIENCE) == 0
    finally:
        end(process)
        os.close(main)
    assert b"Talking with echo" in shown


def read_until(terminal: int, wanted: bytes) -> bytes:
    shown = b""
    while wanted not in shown:
        shown += os.read(terminal, 4096)
    return shown
