"""Trains starter-chat from nothing: `.venv/bin/python resources/training/train_chat.py` (25 minutes of one core).

Reads the chat_*.toml files beside it, writes the finished model folder. Everything is seeded. It
must not train on a held-out text: those are read only to be kept out.
"""

import argparse
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from phrases import Unseen, breadth, expand, read, with_synonyms, with_typos
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).parent
HELD_OUT = HERE.parents[1] / "tests" / "resources" / "chat_held_out.toml"
OUT = HERE.parent / "models" / "starter-chat"

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL = [PAD, END, SYSTEM, USER, ASSISTANT]
# Questions are lower-cased by the template, so that a tiny model need not learn every word twice.
TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] | trim + '<|end|>' }}"
    "{% elif message['role'] == 'system' %}{{ '<|system|>' + message['content'] | trim | lower + '<|end|>' }}"
    "{% else %}{{ '<|user|>' + message['content'] | trim | lower + '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CONTEXT = 1024
VOCABULARY = 2048
HEAD = 3  # the first tokens of an answer decide which one it is: they count fully, and short examples end there
OFF_TOPIC_SHARE = 0.18
WRITTEN_WEIGHT = 3.0


@dataclass
class Topic:
    """One answer and the weighted ways to ask for it."""

    answer: str
    ask: list[str]
    weights: list[float]


class Questions:
    """An endless seeded source of (question, answer) pairs."""

    def __init__(self, rng: random.Random) -> None:
        intents, off_topic = read(HERE / "chat_intents.toml"), read(HERE / "chat_off_topic.toml")
        written = read(HERE / "chat_questions.toml")
        self._rng = rng
        self._unseen = Unseen(HELD_OUT)
        self._synonyms, self._manners = intents["synonyms"], intents["manners"]
        self.system_prompts: list[str] = self._manners["system_prompts"]
        self._words = intents["words"] | {"off_" + name: words for name, words in off_topic["words"].items()}
        self._topics = [
            self._topic(intent["answer"], intent["ask"], written["questions"][name])
            for name, intent in intents["intents"].items()
        ]
        self._off_topic = self._topic(
            off_topic["answer"],
            [ask.replace("<", "<off_").replace("<off_n>", "<n>") for ask in off_topic["questions"]["ask"]],
            written["off_topic"]["questions"],
        )
        self.answers = [topic.answer for topic in [*self._topics, self._off_topic]]

    def _topic(self, answer: str, ask: list[str], written: list[str]) -> Topic:
        """`ask` are phrase grammars, which count by how much they can say; `written` are questions as they are."""
        weights = [min(breadth(phrase, self._words), 40.0) ** 0.5 for phrase in ask]
        return Topic(answer, ask + written, weights + [WRITTEN_WEIGHT] * len(written))

    def draw(self) -> tuple[str, str]:
        topic = self._off_topic if self._rng.random() < OFF_TOPIC_SHARE else self._rng.choice(self._topics)
        while True:
            phrase = self._rng.choices(topic.ask, topic.weights)[0]
            question = self._spoken(expand(phrase, self._words, self._rng), topic is not self._off_topic)
            if self._unseen(question):
                return question, topic.answer

    def _spoken(self, text: str, about_inglenook: bool) -> str:
        """The text as somebody in a hurry, or somebody polite, would write it."""
        rng = self._rng
        text = with_synonyms(text, self._synonyms, 0.15, rng)
        if rng.random() < 0.14:
            text = rng.choice(self._manners["openings"]) + text
        if rng.random() < 0.08:
            text += rng.choice(self._manners["endings"])
        elif about_inglenook and rng.random() < 0.06:
            text += rng.choice(self._manners["endings_about_inglenook"])
        if rng.random() < 0.12:
            text = self._telegraphic(text)
        if rng.random() < 0.2:
            text = text.replace("'", "")
        if rng.random() < 0.25:
            text = with_typos(text, rng.choice([1, 1, 2]), rng)
        return text + rng.choices(["?", "", ".", "!", "??", " ?", "..."], [44, 44, 5, 3, 1, 2, 1])[0]

    def _telegraphic(self, text: str) -> str:
        fillers = self._manners["fillers"]
        return " ".join(part for part in text.split(" ") if part not in fillers or self._rng.random() < 0.4) or text


def trained_tokenizer(questions: Questions) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    corpus = [questions.draw()[0] for _ in range(12_000)] + questions.answers * 20
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, out: Path) -> None:
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, model_max_length=CONTEXT, padding_side="left",
        additional_special_tokens=[SYSTEM, USER, ASSISTANT], clean_up_tokenization_spaces=False,
    )  # fmt: skip
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(out)


@dataclass
class Example:
    """Token ids of a conversation and the weight of each as a prediction target."""

    ids: list[int]
    weights: list[float]

    def add(self, ids: list[int], weights: list[float]) -> None:
        self.ids += ids
        self.weights += weights


class Examples:
    """Draws conversations as token ids. Questions are cut into subwords at random (BPE dropout), answers never."""

    def __init__(self, questions: Questions, tokenizer: Tokenizer, rng: random.Random) -> None:
        self._questions, self._tokenizer, self.rng = questions, tokenizer, rng
        self._noisy = Tokenizer.from_str(tokenizer.to_str())
        self._noisy.model.dropout = 0.1

    def _ids(self, text: str, noisy: bool) -> list[int]:
        return (self._noisy if noisy else self._tokenizer).encode(text).ids

    def draw(self, turns: int, whole: bool, tail: float) -> Example:
        """A conversation; the words of an answer after its first few count `tail`, and are left out unless `whole`."""
        example = Example([], [])
        if self.rng.random() < 0.1:
            system = self._ids(f"{SYSTEM}{self.rng.choice(self._questions.system_prompts)}{END}", noisy=True)
            example.add(system, [0.0] * len(system))
        for turn in range(turns):
            self._add_turn(example, whole or turn < turns - 1, tail)
        return example

    def _add_turn(self, example: Example, whole: bool, tail: float) -> None:
        question, answer = self._questions.draw()
        asked = self._ids(f"{USER}{question}{END}{ASSISTANT}", noisy=self.rng.random() < 0.5)
        # A little language modelling on the questions teaches which words occur together.
        example.add(asked, [0.0] + [0.05] * (len(asked) - 2) + [0.0])
        answered = self._ids(f"{answer}{END}", noisy=False)[: None if whole else HEAD]
        example.add(answered, [1.0 if place < HEAD else tail for place in range(len(answered))])


def which_answer(examples: Examples) -> Iterator[list[Example]]:
    """Phase one, cheap steps: mostly the first words of first answers, some whole ones, some long conversations."""
    starts = of_like_length(lambda: examples.draw(1, whole=False, tail=0.0), examples.rng)
    while True:
        kind = examples.rng.choices(["start", "whole", "conversation"], [84, 8, 8])[0]
        if kind == "start":
            yield next(starts)
        elif kind == "whole":
            yield [examples.draw(1, whole=True, tail=0.15) for _ in range(8)]
        else:
            turns = examples.rng.choice([2, 2, 2, 3, 4, 8])
            yield [examples.draw(turns, whole=False, tail=0.15) for _ in range(8 // turns)]


def its_words(examples: Examples) -> Iterator[list[Example]]:
    """Phase two, dear steps: conversations of one to three turns, every answer to its last word."""

    def draw() -> Example:
        return examples.draw(examples.rng.choices([1, 2, 3], [50, 40, 10])[0], whole=True, tail=1.0)

    return of_like_length(draw, examples.rng)


def of_like_length(draw: Callable[[], Example], rng: random.Random) -> Iterator[list[Example]]:
    """Batches of 32, sorted by length in pools, because padding is computed for nothing."""
    while True:
        pool = sorted((draw() for _ in range(512)), key=lambda example: len(example.ids))
        cuts = [pool[start : start + 32] for start in range(0, len(pool), 32)]
        rng.shuffle(cuts)
        yield from cuts


def padded(batch: list[Example], pad: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """ids, attention mask and target weights, each of shape (examples, longest)."""
    longest = max(len(example.ids) for example in batch)
    ids = torch.tensor([example.ids + [pad] * (longest - len(example.ids)) for example in batch])
    mask = torch.tensor([[1] * len(example.ids) + [0] * (longest - len(example.ids)) for example in batch])
    weights = torch.tensor([example.weights + [0.0] * (longest - len(example.weights)) for example in batch])
    return ids, mask, weights


def untrained_model(tokenizer: Tokenizer) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=256, intermediate_size=768, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=CONTEXT, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.token_to_id(END), pad_token_id=tokenizer.token_to_id(PAD),
    )  # fmt: skip
    return LlamaForCausalLM(config)


def add_dropout(model: LlamaForCausalLM, rate: float) -> None:
    """Llama has no dropout of its own; a model this small and a corpus this narrow need it. Active while training."""

    def drop(module: torch.nn.Module, _: object, output: torch.Tensor) -> torch.Tensor:
        return functional.dropout(output, rate, module.training)

    model.model.embed_tokens.register_forward_hook(drop)
    for layer in model.model.layers:
        layer.self_attn.o_proj.register_forward_hook(drop)
        layer.mlp.down_proj.register_forward_hook(drop)


def loss_of(model: LlamaForCausalLM, batch: list[Example], pad: int) -> torch.Tensor:
    ids, mask, weights = padded(batch, pad)
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
    losses = functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    weights = weights[:, 1:].flatten()
    return (losses * weights).sum() / weights.sum()


def rate_at(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then a cosine down to nothing."""
    warm_up = min(200, steps // 8)
    return peak * min(1.0, step / warm_up) * (0.5 + 0.5 * math.cos(math.pi * step / steps))


def train(model: LlamaForCausalLM, batches: Iterator[list[Example]], steps: int, peak: float) -> None:
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.05, fused=True)
    began, seen = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        optimiser.param_groups[0]["lr"] = rate_at(step, steps, peak)
        loss = loss_of(model, next(batches), model.config.pad_token_id)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        seen = 0.98 * seen + 0.02 * loss.item()
        if step % 50 == 0:
            print(f"step {step}/{steps}  loss {seen:.3f}  {time.monotonic() - began:.0f} s", flush=True)


def save_model(model: LlamaForCausalLM, out: Path) -> None:
    model.generation_config = GenerationConfig(
        eos_token_id=model.config.eos_token_id, pad_token_id=model.config.pad_token_id, max_new_tokens=192,
        do_sample=False,
    )  # fmt: skip
    model.save_pretrained(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    questions = Questions(rng)
    tokenizer = trained_tokenizer(questions)
    model = untrained_model(tokenizer)
    add_dropout(model, 0.1)
    print(f"{model.num_parameters():,} parameters, {tokenizer.get_vocab_size()} tokens", flush=True)
    save_tokenizer(tokenizer, options.out)
    examples = Examples(questions, tokenizer, rng)
    train(model, which_answer(examples), steps=3000, peak=1.2e-3)
    save_model(model, options.out)  # a run that is cut short still leaves a model
    train(model, its_words(examples), steps=500, peak=8e-4)
    save_model(model, options.out)


if __name__ == "__main__":
    main()
