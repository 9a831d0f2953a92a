"""Trains starter-sentiment from nothing: `.venv/bin/python resources/training/train_sentiment.py` (about 10 minutes, 2 cores).

Reads sentiment.toml beside it, writes the finished model folder. Everything is seeded. It must not train on a held-out
text: those are read only to be kept out.
"""

import argparse
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from phrases import Unseen, breadth, expand, read, with_typos
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch.nn import functional
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

HERE = Path(__file__).parent
HELD_OUT = HERE.parents[1] / "tests" / "resources" / "sentiment_held_out.toml"
OUT = HERE.parent / "models" / "starter-sentiment"

LABELS = ["negative", "neutral", "positive"]
CONTEXT = 256
VOCABULARY = 5000
PAD, UNK, CLS, SEP, MASK = SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WRITTEN_SHARE = 0.2  # of the texts are whole hand-written sentences, the others come from patterns
SMOOTHING = 0.08  # keeps the probabilities modest: a model this small should never be certain
SHORTENED = {" is not ": " isn't ", " was not ": " wasn't ", "it is ": "it's ", "i am ": "i'm ", " do not ": " don't "}

Text = tuple[str, int]


class Texts:
    """An endless seeded source of (text, label number) pairs."""

    def __init__(self, rng: random.Random) -> None:
        material = read(HERE / "sentiment.toml")
        self._rng = rng
        self._unseen = Unseen(HELD_OUT)
        self._words = material["words"] | material["words_neutral"]
        self._patterns = [material["patterns"][label] for label in LABELS]
        self._weights = [
            [min(breadth(phrase, self._words), 200.0) ** 0.25 for phrase in group] for group in self._patterns
        ]
        self._written = [material["sentences"][label] for label in LABELS]

    def draw(self) -> Text:
        """A text of one to three sentences of the same label, rarely of many, now and then with a plain fact beside them."""
        label = self._rng.randrange(len(LABELS))
        parts = [self._sentence(label) for _ in range(self._rng.choices([1, 2, 3, 7, 20], [80, 13, 5, 1.5, 0.5])[0])]
        if label != 1 and self._rng.random() < 0.06:
            parts.insert(self._rng.randrange(len(parts) + 1), self._sentence(1))
        return " ".join(parts), label

    def _sentence(self, label: int) -> str:
        while True:
            text = self._spoken(self._plain(label))
            if self._unseen(text):
                return text

    def _plain(self, label: int) -> str:
        if self._rng.random() < WRITTEN_SHARE:
            return self._rng.choice(self._written[label])
        return expand(self._rng.choices(self._patterns[label], self._weights[label])[0], self._words, self._rng)

    def _spoken(self, text: str) -> str:
        """The text with the contractions, punctuation and slips that people use."""
        rng = self._rng
        for long, short in SHORTENED.items():
            if rng.random() < 0.3:
                text = text.replace(long, short)
        if rng.random() < 0.08:
            text = text.replace("'", "")
        if rng.random() < 0.1:
            text = with_typos(text, 1, rng)
        if text[-1] in ".!?":
            return text if rng.random() < 0.7 else text[:-1]
        return text + rng.choices([".", "", "!", "...", "?"], [55, 30, 12, 2, 1])[0]


def trained_tokenizer(texts: Texts) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNK))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator((texts.draw()[0] for _ in range(25_000)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer) -> None:
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNK, cls_token=CLS, sep_token=SEP, mask_token=MASK,
        model_max_length=CONTEXT, model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(OUT)  # fmt: skip


def batches(
    texts: Texts, tokenizer: Tokenizer, steps: int, rng: random.Random
) -> Iterator[tuple[list[list[int]], list[int]]]:
    """Batches of 48 token id lists with their labels, sorted by length in pools, because padding costs time."""
    for _ in range(0, steps, 16):
        drawn = [texts.draw() for _ in range(48 * 16)]
        pool = [(hidden(tokenizer.encode(text).ids[:CONTEXT], rng), label) for text, label in drawn]
        pool.sort(key=lambda pair: len(pair[0]))
        cuts = [pool[start : start + 48] for start in range(0, len(pool), 48)]
        rng.shuffle(cuts)
        for cut in cuts:
            yield [ids for ids, _ in cut], [label for _, label in cut]


def hidden(ids: list[int], rng: random.Random) -> list[int]:
    """Some tokens become [UNK], so that a word it does not know does not upset the model."""
    return [1 if token > 4 and rng.random() < 0.03 else token for token in ids]


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """ids and attention mask, each of shape (rows, longest)."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return ids, (ids != 0).long()


def untrained_model(tokenizer: Tokenizer) -> DistilBertForSequenceClassification:
    config = DistilBertConfig(
        vocab_size=tokenizer.get_vocab_size(), dim=128, n_layers=3, n_heads=4, hidden_dim=384,
        max_position_embeddings=CONTEXT, initializer_range=0.05, dropout=0.1, attention_dropout=0.0,
        seq_classif_dropout=0.2, num_labels=len(LABELS), id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)}, pad_token_id=0,
    )  # fmt: skip
    return DistilBertForSequenceClassification(config)


def rate_at(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then a cosine down to nothing."""
    return peak * min(1.0, step / 200) * (0.5 + 0.5 * math.cos(math.pi * step / steps))


def train(
    model: DistilBertForSequenceClassification, source: Iterator[tuple[list[list[int]], list[int]]], steps: int
) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.05, fused=True)
    model.train()
    began, seen = time.monotonic(), 1.0
    for step, (rows, labels) in enumerate(source, 1):
        optimiser.param_groups[0]["lr"] = rate_at(min(step, steps), steps, 1e-3)
        ids, mask = padded(rows)
        logits = model(input_ids=ids, attention_mask=mask).logits
        loss = functional.cross_entropy(logits, torch.tensor(labels), label_smoothing=SMOOTHING)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        seen = 0.98 * seen + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step}/{steps}  loss {seen:.3f}  {time.monotonic() - began:.0f} s", flush=True)
        if step % 500 == 0:
            model.save_pretrained(OUT)  # a run that is cut short still leaves a model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    texts = Texts(rng)
    tokenizer = trained_tokenizer(texts)
    model = untrained_model(tokenizer)
    print(f"{model.num_parameters():,} parameters, {tokenizer.get_vocab_size()} tokens", flush=True)
    save_tokenizer(tokenizer)
    train(model, batches(texts, tokenizer, options.steps, rng), options.steps)
    model.eval().save_pretrained(OUT)


if __name__ == "__main__":
    main()
