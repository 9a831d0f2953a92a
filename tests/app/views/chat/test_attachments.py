import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views.chat.attachments import (
    LIMIT_BYTES,
    Attachment,
    AttachmentRefused,
    read_attachment,
    with_attachments,
    without_attachments,
)


def test_a_text_file_is_read_whole(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("grüße\nzwei", encoding="utf-8")
    assert read_attachment(file) == Attachment("notes.txt", "grüße\nzwei")


def test_a_file_over_the_limit_is_refused_with_the_limit(tmp_path):
    file = tmp_path / "big.txt"
    file.write_bytes(b"x" * (LIMIT_BYTES + 1))
    with pytest.raises(AttachmentRefused, match="256 KB"):
        read_attachment(file)


def test_a_file_at_the_limit_is_taken(tmp_path):
    file = tmp_path / "big.txt"
    file.write_bytes(b"x" * LIMIT_BYTES)
    assert len(read_attachment(file).text) == LIMIT_BYTES


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a\x00b"])
def test_a_file_that_is_not_text_is_refused(tmp_path, content):
    file = tmp_path / "picture.bin"
    file.write_bytes(content)
    with pytest.raises(AttachmentRefused, match="not a text file"):
        read_attachment(file)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(AttachmentRefused, match=r"gone\.txt cannot be read"):
        read_attachment(tmp_path / "gone.txt")


def test_a_file_stands_in_a_fence_under_its_name_before_the_question():
    content = with_attachments("What does it do?", [Attachment("a.py", "print(1)\n")])
    assert content == "a.py:\n```python\nprint(1)\n```\n\nWhat does it do?"


def test_a_file_with_fences_gets_a_longer_fence():
    content = with_attachments("", [Attachment("a.md", "```\ncode\n```")])
    assert content.startswith("a.md:\n````markdown\n")
    assert content.endswith("\n````")


def test_an_ordinary_message_has_no_attachments():
    message = "Look:\nthis is `code`\n```\nx\n```"
    assert without_attachments(message) == (message, [])


lines = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)
texts = st.lists(st.one_of(lines, st.sampled_from(["```", "````", "a.py:"])), min_size=1, max_size=6).map("\n".join)


@given(texts, texts)
def test_what_was_attached_can_be_taken_apart_again(text, file):
    text, file = text.strip(), file.rstrip()
    own, attachments = without_attachments(with_attachments(text, [Attachment("notes.txt", file)]))
    assert attachments[0] == Attachment("notes.txt", file)
    assert own == text or attachments[1:]  # a question that looks like an attachment is shown as one
