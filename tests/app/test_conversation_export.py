"""Chats as documents."""

import json

from app.conversation_export import to_json, to_markdown
from app.conversations import Conversation, Message

CHAT = Conversation("c", "Sorting", "m-1", "Be brief.\nBe kind.", {"top_p": 0.9}, False, 0.0, 60.0, "", "b")
QUESTION = Message("a", "c", None, "user", "How?", "done", "", 0.0)
ANSWER = Message("b", "c", "a", "assistant", "Like this:\n\n```\nx\n```", "stopped", "m-1", 1.0, {"tokens": 3})


def test_markdown_has_title_prompt_speakers_and_how_it_ended():
    assert to_markdown(CHAT, [QUESTION, ANSWER]) == (
        "# Sorting\n\n> Be brief.\n> Be kind.\n\n## You\n\nHow?\n\n## m-1\n\nLike this:\n\n```\nx\n```\n\n*(stopped)*\n"
    )


def test_json_has_every_field_and_readable_times():
    document = json.loads(to_json(CHAT, [QUESTION, ANSWER]))
    assert document["format"] == "inglenook-conversation"
    assert document["conversation"]["updated"] == "1970-01-01T00:01:00+00:00"
    assert document["messages"][1] == {
        "id": "b",
        "conversation_id": "c",
        "parent_id": "a",
        "role": "assistant",
        "content": ANSWER.content,
        "status": "stopped",
        "model": "m-1",
        "created": "1970-01-01T00:00:01+00:00",
        "facts": {"tokens": 3},
        "pictures": [],
    }


def test_json_keeps_other_scripts_readable():
    assert "東京" in to_json(CHAT, [Message("a", "c", None, "user", "東京", "done", "", 0.0)])
