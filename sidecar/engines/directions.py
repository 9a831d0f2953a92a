"""How each family of translation models is told the languages. Knows tokenizers and configurations, no engine library."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Protocol

from sidecar.engines import languages
from sidecar.errors import InvalidRequest, Unsupported

CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}|[a-z]{2}_[A-Z]{2}")  # eng_Latn, en_XX
MARIAN_TARGET = re.compile(r">>(.+)<<")
T5_TASK = re.compile(r"translation_(\w+)_to_(\w+)")
T5_LANGUAGES = ("en", "de", "fr", "ro")  # those that T5 was trained to translate


@dataclass(frozen=True)
class Direction:
    """What one pair of languages means to a model: text in front, settings of tokenizer and generation."""

    prefix: str = ""
    source: str | None = None
    generation: dict[str, int] = field(default_factory=dict)
    limit: int | None = None
    warnings: list[str] = field(default_factory=list)


class Family(Protocol):
    """How a family of models knows languages."""

    languages: list[str]

    def direction(self, source: str | None, target: str | None) -> Direction:
        """Raises Unsupported, InvalidRequest."""


def family_of(name: str, config: Any, tokenizer: Any) -> Family:
    """How the model knows languages. Raises nothing: a model that names none translates what it is given."""
    if config.model_type == "marian":
        return MarianFamily(name, tokenizer)
    if codes := language_codes(tokenizer):
        return CodedFamily(name, config, tokenizer, codes)
    return PrefixFamily(name, config)


def language_codes(tokenizer: Any) -> dict[str, int]:
    """The codes of multilingual tokenizers (M2M100, NLLB, mBART) and their tokens."""
    table = getattr(tokenizer, "lang_code_to_id", None)
    if table:
        return dict(table)
    return {
        code: tokenizer.convert_tokens_to_ids(code) for code in tokenizer.all_special_tokens if CODE.fullmatch(code)
    }


class CodedFamily:
    """M2M100, NLLB and mBART: the source language is a token of the text, the target's the first of the translation."""

    def __init__(self, name: str, config: Any, tokenizer: Any, codes: dict[str, int]) -> None:
        self.languages = sorted(codes)
        self._codes = codes
        self._name = name
        # The first mBART begins its translation with the target language instead of forcing it as the next token.
        legacy = config.model_type == "mbart" and not type(tokenizer).__name__.startswith("MBart50")
        self._setting = "decoder_start_token_id" if legacy else "forced_bos_token_id"
        self._default_source = tokenizer.src_lang

    def direction(self, source: str | None, target: str | None) -> Direction:
        if target is None:
            known = ", ".join(self.languages)
            raise InvalidRequest(reason=f"target_lang is missing; {self._name!r} translates into {known}")
        warnings = [] if source else [f"source_lang was not given; {self._default_source} was assumed."]
        code = self._code(target)
        from_code = self._code(source) if source else self._default_source
        return Direction(source=from_code, generation={self._setting: self._codes[code]}, warnings=warnings)

    def _code(self, asked: str) -> str:
        return known_language(self._name, asked, self.languages)


class MarianFamily:
    """One pair of languages, or several targets that are named in front of the text."""

    def __init__(self, name: str, tokenizer: Any) -> None:
        self._name = name
        self._source: str | None = tokenizer.source_lang
        found = [MARIAN_TARGET.fullmatch(code) for code in tokenizer.supported_language_codes]
        self._targets = {match[1]: match[0] for match in found if match}
        single = [tokenizer.target_lang] if tokenizer.target_lang and not self._targets else []
        self._known_targets = [*self._targets, *single]
        self.languages = list(dict.fromkeys([*([self._source] if self._source else []), *self._known_targets]))

    def direction(self, source: str | None, target: str | None) -> Direction:
        warnings = self._check_source(source)
        if not self._targets:
            return Direction(warnings=warnings + self._check_single_target(target))
        if target is None:
            known = ", ".join(self._targets)
            raise InvalidRequest(reason=f"target_lang is missing; {self._name!r} translates into {known}")
        code = known_language(self._name, target, list(self._targets))
        return Direction(prefix=f"{self._targets[code]} ", warnings=warnings)

    def _check_source(self, source: str | None) -> list[str]:
        if source is None:
            return []
        if self._source is None:
            return [f"source_lang {source!r} was not checked: the model's files do not say what it translates."]
        known_language(self._name, source, [self._source])
        return []

    def _check_single_target(self, target: str | None) -> list[str]:
        if target is None:
            return []
        if not self._known_targets:
            return [f"target_lang {target!r} was not checked: the model's files do not say what it translates."]
        known_language(self._name, target, self._known_targets)
        return []


class PrefixFamily:
    """T5 and its kin: an instruction in front of the text. `task_specific_params` name the pairs, else those of T5."""

    def __init__(self, name: str, config: Any) -> None:
        self._name = name
        tasks = getattr(config, "task_specific_params", None) or {}
        matches = {T5_TASK.fullmatch(name): task for name, task in tasks.items()}
        self._pairs = {(match[1], match[2]): task for match, task in matches.items() if match}
        named = [code for pair in self._pairs for code in pair] or T5_LANGUAGES
        self.languages = list(dict.fromkeys(named))

    def direction(self, source: str | None, target: str | None) -> Direction:
        if source is None or target is None:
            pairs = ", ".join(f"{first} to {second}" for first, second in self._pairs) or ", ".join(self.languages)
            raise InvalidRequest(reason=f"source_lang and target_lang are needed; {self._name!r} translates {pairs}")
        pair = known_language(self._name, source, self.languages), known_language(self._name, target, self.languages)
        if pair in self._pairs:
            task = self._pairs[pair]
            return Direction(prefix=task.get("prefix", ""), limit=task.get("max_length"))
        if self._pairs:
            pairs = ", ".join(f"{first} to {second}" for first, second in self._pairs)
            raise Unsupported(
                model=self._name, reason=f"it does not translate {source} to {target}; it translates {pairs}"
            )
        first, second = (languages.english_name(code) for code in pair)
        return Direction(prefix=f"translate {first} to {second}: ")


def known_language(model: str, asked: str, known: list[str]) -> str:
    """The model's own code for a language. Raises Unsupported with the list of those it knows."""
    code = languages.find(asked, known)
    if code is None:
        raise Unsupported(
            model=model, reason=f"it does not know the language {asked!r} there; it knows {', '.join(known)}"
        )
    return code
