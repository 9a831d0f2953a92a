"""Measures the starter models on the held-out sets, with the library itself and no part of Inglenook in between.

It must read the training material only to compare answers and to prove that nothing held out is in it.
"""

import random
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "resources" / "models"
TRAINING = ROOT / "resources" / "training"
HELD_OUT = Path(__file__).parent
LARGEST_TOTAL = 30_000_000  # bytes, both folders
REFUSAL = "I only know about Inglenook"

Ask = Callable[[list[list[str]]], list[str]]
Classify = Callable[[list[str]], list[dict[str, float]]]


def material(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


QUESTIONS = material(HELD_OUT / "chat_held_out.toml")
SENTENCES = material(HELD_OUT / "sentiment_held_out.toml")
ANSWERS = {name: intent["answer"] for name, intent in material(TRAINING / "chat_intents.toml")["intents"].items()}


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Greedy answers to the last of the questions in each conversation; earlier ones get their true answers."""
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "starter-chat")
    model = AutoModelForCausalLM.from_pretrained(MODELS / "starter-chat", dtype=torch.float32).eval()

    def answers(conversations: list[list[str]]) -> list[str]:
        chats = [
            [{"role": "assistant" if place % 2 else "user", "content": text} for place, text in enumerate(texts)]
            for texts in conversations
        ]
        inputs = tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=192, do_sample=False)
        return tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)

    return answers


@pytest.fixture(scope="module")
def classify() -> Classify:
    """The probability of each label, for each text."""
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "starter-sentiment")
    model = AutoModelForSequenceClassification.from_pretrained(MODELS / "starter-sentiment", dtype=torch.float32).eval()

    def probabilities(texts: list[str]) -> list[dict[str, float]]:
        inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            rows = model(**inputs).logits.softmax(-1).tolist()
        return [{model.config.id2label[place]: value for place, value in enumerate(row)} for row in rows]

    return probabilities


def questions_about_inglenook() -> list[tuple[str, str]]:
    return [(name, text) for name, texts in QUESTIONS["questions"].items() for text in texts]


def share_of(hits: list[bool], what: str, misses: list[str]) -> float:
    print(f"{what}: {sum(hits)} of {len(hits)} = {sum(hits) / len(hits):.1%}", *misses, sep="\n  ")
    return sum(hits) / len(hits)


def label_of(probabilities: dict[str, float]) -> str:
    return max(probabilities, key=probabilities.__getitem__)


def test_nine_of_ten_unseen_questions_get_the_right_answer(ask: Ask) -> None:
    asked = questions_about_inglenook()
    given = ask([[text] for _, text in asked])
    hits = [answer == ANSWERS[name] for (name, _), answer in zip(asked, given, strict=True)]
    misses = [
        f"{name}: {text} -> {answer[:60]}"
        for (name, text), answer, hit in zip(asked, given, hits, strict=True)
        if not hit
    ]
    assert len(asked) >= 100
    assert share_of(hits, "questions", misses) >= 0.9


def test_nine_of_ten_unseen_questions_get_the_right_answer_later_in_a_conversation(ask: Ask) -> None:
    asked, rng = questions_about_inglenook(), random.Random(5)
    earlier = [rng.choice(asked) for _ in asked]
    given = ask([[before, ANSWERS[name], text] for (name, before), (_, text) in zip(earlier, asked, strict=True)])
    hits = [answer == ANSWERS[name] for (name, _), answer in zip(asked, given, strict=True)]
    assert share_of(hits, "second questions", []) >= 0.9


def test_nine_of_ten_questions_about_other_things_are_declined_honestly(ask: Ask) -> None:
    texts = QUESTIONS["off_topic"]["questions"]
    given = ask([[text] for text in texts])
    hits = [answer.startswith(REFUSAL) for answer in given]
    misses = [f"{text} -> {answer[:60]}" for text, answer, hit in zip(texts, given, hits, strict=True) if not hit]
    assert len(texts) >= 50
    assert share_of(hits, "declined", misses) >= 0.9


def test_a_system_message_does_not_change_what_the_chat_model_knows() -> None:
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "starter-chat")
    model = AutoModelForCausalLM.from_pretrained(MODELS / "starter-chat", dtype=torch.float32).eval()
    chat = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": "Which port is used?"}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**inputs)
    assert tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True) == ANSWERS["port"]


def test_the_sentiment_of_unseen_sentences_is_found_in_85_of_100(classify: Classify) -> None:
    texts = [(label, text) for label in ("positive", "negative", "neutral") for text in SENTENCES[label]]
    given = classify([text for _, text in texts])
    hits = [label_of(row) == label for (label, _), row in zip(texts, given, strict=True)]
    misses = [
        f"{label}: {text} -> {label_of(row)}"
        for (label, text), row, hit in zip(texts, given, hits, strict=True)
        if not hit
    ]
    assert len(texts) == 200
    assert share_of(hits, "sentences", misses) >= 0.85


def test_sure_labels_are_right_more_often_than_unsure_ones(classify: Classify) -> None:
    texts = [(label, text) for label in ("positive", "negative", "neutral") for text in SENTENCES[label]]
    given = classify([text for _, text in texts])
    rows = [(max(row.values()), label_of(row) == label) for (label, _), row in zip(texts, given, strict=True)]
    sure = [hit for probability, hit in rows if probability >= 0.8]
    unsure = [hit for probability, hit in rows if probability < 0.8]
    assert sum(sure) / len(sure) > sum(unsure) / len(unsure)


@pytest.mark.parametrize("label", ["positive", "negative", "neutral"])
def test_the_texts_of_the_classify_page_come_out_sensibly(classify: Classify, label: str) -> None:
    assert [label_of(row) for row in classify(SENTENCES["window_examples"][label])] == [label] * len(
        SENTENCES["window_examples"][label]
    )


def test_a_lukewarm_text_is_not_called_a_sure_complaint(classify: Classify) -> None:
    assert all(row["negative"] < 0.6 for row in classify(SENTENCES["window_examples"]["unsure"]))


@pytest.mark.parametrize("held_out", ["chat", "sentiment"])
def test_no_held_out_text_is_in_the_training_material(held_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TRAINING))
    sys.modules.pop("phrases", None)
    from phrases import normal, texts_in

    kept_out = {normal(text) for text in texts_in(material(HELD_OUT / f"{held_out}_held_out.toml"))}
    written = {normal(text) for path in TRAINING.glob(f"{held_out}*.toml") for text in texts_in(material(path))}
    assert not kept_out & written


def test_the_chat_script_never_draws_a_held_out_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TRAINING))
    from phrases import normal, texts_in
    from train_chat import Questions

    kept_out = {normal(text) for text in texts_in(QUESTIONS)}
    questions = Questions(random.Random(1))
    assert not kept_out & {normal(questions.draw()[0]) for _ in range(30_000)}


def test_the_sentiment_script_never_draws_a_held_out_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TRAINING))
    from phrases import normal, texts_in
    from train_sentiment import Texts

    kept_out = {normal(text) for text in texts_in(SENTENCES)}
    texts = Texts(random.Random(1))
    assert not kept_out & {normal(texts.draw()[0]) for _ in range(30_000)}


def test_both_models_together_take_at_most_30_megabytes() -> None:
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) <= LARGEST_TOTAL


@pytest.mark.parametrize("name", ["starter-chat", "starter-sentiment"])
def test_every_model_is_a_plain_safetensors_folder_with_a_card(name: str) -> None:
    files = {path.name for path in (MODELS / name).iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= files
