"""Whether an exported program is nothing but arithmetic: an allow-list for every string of it that the library would act on.

The library evaluates expressions, looks operators up by name and makes Python source from names (and says itself that files
of strangers must not be loaded with it). So every name here must be a plain one, every operator one of ATen's, every
expression one of integers and symbols; what nobody needs to compute (guards, traces, metadata) is taken out.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from typing import Any

import torch

NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?")  # arguments of some operators have none
PATH = re.compile(r"[A-Za-z0-9_.]*")
SYMBOL = re.compile(r"[a-z]+[0-9]+")
WORDS = re.compile(r"[A-Za-z0-9_.,<>= ()-]{0,500}")  # arguments of operators: modes, equations, messages
NAMED = ("name", "as_name")
ATEN = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)")
OTHER_OPERATORS = frozenset(
    [f"_operator.{name}" for name in ("add", "and_", "eq", "floordiv", "ge", "getitem", "gt", "le", "lt", "mod", "mul",
                                      "ne", "neg", "not_", "or_", "pos", "pow", "sub", "truediv")]
    + [f"torch.sym_{name}" for name in ("float", "int", "ite", "max", "min", "not")]
    + [f"math.{name}" for name in ("ceil", "floor", "trunc")]
    + ["torch.ops.higher_order.wrap_with_set_grad_enabled", "torch.ops.higher_order.wrap_with_autocast"]
)  # fmt: skip
FUNCTIONS = frozenset([
    "Add", "And", "CeilDiv", "CeilToInt", "CleanDiv", "Equality", "FloatTrueDiv", "FloorDiv", "FloorToInt", "GreaterThan",
    "Identity", "IntTrueDiv", "Integer", "LessThan", "Max", "Min", "Mod", "ModularIndexing", "Mul", "Not", "Or", "Pow",
    "PowByNatural", "PythonMod", "Rational", "StrictGreaterThan", "StrictLessThan", "Symbol", "ToFloat", "TruncToInt",
    "Unequality",
])  # fmt: skip
CONTAINERS = re.compile(r"builtins\.(tuple|list|dict)|transformers\.modeling_outputs\.\w+")
LARGEST_POWER = 64


class NotPlain(Exception):
    """The program holds something else than arithmetic. The text says what."""


def checked(program: Any) -> dict[str, Any]:
    """The graph as it is in the archive's JSON, without what is not needed. Raises NotPlain."""
    match program:
        case {"graph_module": {"graph": dict()} as graph, "range_constraints": dict()}:
            plain: dict[str, Any] = {**program, "guards_code": [], "torch_version": ""}
            plain["graph_module"] = _without_metadata(graph)
            _check("", plain)
            return plain
        case _:
            raise NotPlain("it has no graph")


def _without_metadata(value: Any) -> Any:
    """Where things came from: file names and source lines."""
    if isinstance(value, list):
        return [_without_metadata(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: {} if key == "metadata" else _without_metadata(item) for key, item in value.items()}


def _check(key: str, value: Any) -> None:
    """One entry and all that it holds; `key` is that of the innermost table around it."""
    if isinstance(value, dict):
        for name, item in value.items():
            _match(SYMBOL if key == "range_constraints" else PATH, name)
            _check(name, item)
    elif isinstance(value, list):
        for item in value:
            _check(key, item)
    elif isinstance(value, str):
        _check_string(key, value)
    elif not isinstance(value, int | float | None):
        raise NotPlain(f"{value!r} is of a strange kind")


def _check_string(key: str, value: str) -> None:
    if key in ("target", "as_operator"):
        _check_operator(value)
    elif key == "expr_str":
        _check_expression(value)
    elif key in ("in_spec", "out_spec"):
        _check_tree(value)
    elif key in ("as_string", "as_strings"):
        _match(WORDS, value)
    else:
        _match(NAME if key in NAMED or key == "forward_arg_names" else PATH, value)


def _match(pattern: re.Pattern[str], text: str) -> None:
    if not pattern.fullmatch(text):
        raise NotPlain(f"{text[:80]!r} is no plain name")


def _check_operator(name: str) -> None:
    if name not in OTHER_OPERATORS and not _is_aten(name):
        raise NotPlain(f"it calls {name[:80]!r}, which is no operator of PyTorch's own arithmetic (ATen)")


def _is_aten(name: str) -> bool:
    """One of the dispatcher's, and none that opens files."""
    if not (match := ATEN.fullmatch(name)):
        return False
    operator, overload = match.groups()
    full = f"aten::{operator}" + ("" if overload == "default" else f".{overload}")
    if full not in _dispatched():
        return False
    schema = torch._C._get_schema(f"aten::{operator}", "" if overload == "default" else overload)
    return not any(argument.name == "filename" for argument in schema.arguments)


@functools.cache
def _dispatched() -> frozenset[str]:
    return frozenset(name for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::"))


def _check_expression(text: str) -> None:
    """`Mul(Integer(2), Symbol('s0', integer=True))`: calls of known functions on integers and symbols."""
    try:
        _check_term(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotPlain(f"the size {text[:80]!r} is no expression") from error


def _check_term(term: ast.expr) -> None:
    match term:
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str(name))]) if SYMBOL.fullmatch(name):
            plain = all(isinstance(keyword.value, ast.Constant) for keyword in term.keywords)
        case ast.Call(func=ast.Name(id="Pow"), args=[base, ast.Call(args=[exponent])], keywords=[]):
            plain = isinstance(exponent, ast.Constant) and exponent.value in range(-LARGEST_POWER, LARGEST_POWER)
            _check_term(base)
        case ast.Call(func=ast.Name(id=name), args=[*parts], keywords=[]) if name in FUNCTIONS - {"Symbol", "Pow"}:
            plain = True
            for part in parts:
                _check_term(part)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())) | ast.Constant(value=int()):
            plain = True
        case ast.Name(id="true" | "false"):
            plain = True
        case _:
            plain = False
    if not plain:
        raise NotPlain(f"the size {ast.unparse(term)[:80]!r} is no arithmetic of integers and symbols")


def _check_tree(text: str) -> None:
    """How arguments or results are nested: `[1, {"type", "context", "children_spec"}]`."""
    try:
        _, tree = json.loads(text)
        _check_branch(tree)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotPlain(f"{text[:80]!r} does not say how results are nested") from error


def _check_branch(tree: dict[str, Any]) -> None:
    if tree["type"] is not None and not CONTAINERS.fullmatch(tree["type"]):
        raise NotPlain(f"it takes or gives a {tree['type'][:80]!r}; only tensors in tuples, lists and dicts are served")
    names = json.loads(tree["context"] or "null") or []
    if not isinstance(names, list):  # the library would import what a table here names
        raise NotPlain(f"{tree['context'][:80]!r} is no list of names")
    for name in names:
        _match(NAME, name)
    for child in tree["children_spec"]:
        _check_branch(child)
