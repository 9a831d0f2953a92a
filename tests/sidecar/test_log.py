"""The log: JSON lines in a file that rotates, plain words on stderr, and nothing lost at the end."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from sidecar import log

LOGGER = logging.getLogger("test.log")


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / log.FILE_NAME).read_text("utf-8").splitlines()]


def test_a_record_is_one_json_line_with_its_fields(tmp_path: Path) -> None:
    with log.to_folder(tmp_path, "info"):
        LOGGER.info("grüße %s", "dort", extra={"request_id": "r1"})
    (line,) = lines(tmp_path)
    assert line["event"] == "grüße dort"
    assert line["request_id"] == "r1"
    assert line["level"] == "info"
    assert str(line["timestamp"]).endswith("Z")


def test_an_exception_stays_on_its_line(tmp_path: Path) -> None:
    with log.to_folder(tmp_path, "info"):
        try:
            raise ValueError("what happened")
        except ValueError:
            LOGGER.exception("it broke")
    (line,) = lines(tmp_path)
    assert "ValueError: what happened" in str(line["exception"])


def test_the_level_is_the_settings(tmp_path: Path) -> None:
    with log.to_folder(tmp_path, "warning"):
        LOGGER.info("not this")
        LOGGER.warning("but this")
    assert [line["event"] for line in lines(tmp_path)] == ["but this"]


def test_only_warnings_reach_stderr_where_it_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log.to_folder(tmp_path, "info"):
        LOGGER.info("quiet", extra={"path": "/x"})
        LOGGER.warning("loud", extra={"path": "/x"})
    said = capsys.readouterr().err
    assert "quiet" not in said
    assert "warning  loud  path=/x" in said


def test_the_file_rotates_and_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "FILE_BYTES", 1000)
    with log.to_folder(tmp_path, "info"):
        for number in range(100):
            LOGGER.info("line %d of many that together are far more than is kept", number)
    files = sorted(tmp_path.iterdir())
    assert len(files) == log.FILES_KEPT
    assert all(file.stat().st_size <= 1000 for file in files)
    assert lines(tmp_path)[-1]["event"].startswith("line 99")  # type: ignore[attr-defined]


def test_nothing_is_logged_there_after_the_block(tmp_path: Path) -> None:
    with log.to_folder(tmp_path, "info"):
        LOGGER.warning("within")
    LOGGER.warning("after")
    assert [line["event"] for line in lines(tmp_path)] == ["within"]
