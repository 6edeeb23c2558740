"""Evaluation of graders for a sample. No code runs and no model is called.

The results of `python` and model graders are derived from a hash, so that they are plausible and repeatable. Text
similarities other than `fuzzy_match`, `cosine` and ROUGE are approximations of the service's metrics.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import operator
import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_WORD = re.compile(r"\w+")
_LONGEST_FORMULA, _LARGEST_EXPONENT = 1000, 64
_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": math.ceil,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
}


@dataclass
class Grade:
    """The result of a grader.

    Attributes:
        reward: The reward; 0 after an error.
        errors: Names of the errors, as in `metadata.errors` of the API.
        sub_rewards: Rewards of the graders of a `multi` grader.
        emulated: Types of the graders whose results are made up.
    """

    reward: float = 0.0
    errors: set[str] = field(default_factory=set)
    sub_rewards: dict[str, float] = field(default_factory=dict)
    emulated: set[str] = field(default_factory=set)


def grade(grader: Mapping[str, Any], values: Mapping[str, Any]) -> Grade:
    """Evaluate a valid grader.

    Args:
        grader: The grader.
        values: Values for variables such as `{{ sample.output_text }}`: `sample` and `item`.
    """
    kind = grader["type"]
    if kind == "multi":
        return _multi(grader, values)
    if kind in ("string_check", "text_similarity"):
        return _compared(grader, values)
    return Grade(_made_up(grader, values), emulated={kind})


def _compared(grader: Mapping[str, Any], values: Mapping[str, Any]) -> Grade:
    try:
        given, reference = (_filled(grader[name], values) for name in ("input", "reference"))
    except KeyError:
        return Grade(errors={"invalid_variable_error"})
    if grader["type"] == "string_check":
        return Grade(float(_STRING_CHECKS[grader["operation"]](given, reference)))
    return Grade(_similarity(grader["evaluation_metric"], given, reference))


_STRING_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "like": lambda given, reference: reference in given,
    "ilike": lambda given, reference: reference.lower() in given.lower(),
}


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """Return a template with the values of its variables. Raise `KeyError` for an unknown variable."""

    def value(match: re.Match[str]) -> str:
        found: Any = values
        for name in match[1].split("."):
            if not isinstance(found, dict):
                raise KeyError(name)
            found = found[name]
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    return _VARIABLE.sub(value, template)


def _similarity(metric: str, given: str, reference: str) -> float:
    if metric == "fuzzy_match":
        return SequenceMatcher(None, given, reference, autojunk=False).ratio()
    words, expected = (_WORD.findall(text.lower()) for text in (given, reference))
    if metric == "cosine":
        return _cosine(Counter(words), Counter(expected))
    if metric == "rouge_l":
        blocks = SequenceMatcher(None, words, expected, autojunk=False).get_matching_blocks()
        return _f_score(sum(block.size for block in blocks), len(words), len(expected))
    size = int(metric[-1]) if metric.startswith("rouge_") else 1
    first, second = _grams(words, size), _grams(expected, size)
    return _f_score((first & second).total(), first.total(), second.total())


def _grams(words: list[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def _f_score(common: int, first: int, second: int) -> float:
    return 2 * common / (first + second) if common else 0.0


def _cosine(first: Counter[str], second: Counter[str]) -> float:
    product = sum(count * second[word] for word, count in first.items())
    lengths = (math.sqrt(sum(count**2 for count in counts.values())) for counts in (first, second))
    return product / math.prod(lengths) if product else 0.0


def _made_up(grader: Mapping[str, Any], values: Mapping[str, Any]) -> float:
    """Return a number in the grader's range that depends only on the grader and the values."""
    text = json.dumps([grader, values], sort_keys=True, default=str)
    share = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    if grader["type"] == "label_model":
        return float(share < len(grader["passing_labels"]) / len(grader["labels"]))
    least, most = grader.get("range") or (0, 1)
    return round(least + share * (most - least), 4)


def _multi(grader: Mapping[str, Any], values: Mapping[str, Any]) -> Grade:
    given = grader["graders"]
    if isinstance(given, list) or "type" in given:
        inner = given if isinstance(given, list) else [given]
        given = {each.get("name", str(number)): each for number, each in enumerate(inner)}
    grades = {name: grade(each, values) for name, each in given.items()}
    rewards = {name: each.reward for name, each in grades.items()}
    result = Grade(
        errors=set().union(*(each.errors for each in grades.values())),
        sub_rewards=rewards,
        emulated=set().union(*(each.emulated for each in grades.values())),
    )
    try:
        result.reward = evaluate(grader["calculate_output"], rewards)
    except ValueError:
        result.errors.add("formula_parse_error")
    return result


def evaluate(formula: str, variables: Mapping[str, float]) -> float:
    """Return the value of an arithmetic formula, without running code. Raise `ValueError` if it is invalid."""
    if len(formula) > _LONGEST_FORMULA:
        raise ValueError("too long")
    try:
        value = float(_value(ast.parse(formula.strip(), mode="eval").body, variables))
    except (ArithmeticError, KeyError, RecursionError, SyntaxError, TypeError) as error:
        raise ValueError(f"{formula}: {error}") from error
    if not math.isfinite(value):
        raise ValueError(f"{formula}: not finite")
    return value


def _value(node: ast.expr, variables: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=bool()):
            raise TypeError(ast.dump(node))
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return variables[name]
        case ast.UnaryOp(op=op, operand=operand):
            return _OPERATORS[type(op)](_value(operand, variables))
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return _power(_value(base, variables), _value(exponent, variables))
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, variables), _value(right, variables))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _FUNCTIONS[name](*(_value(argument, variables) for argument in arguments))
    raise TypeError(ast.dump(node))


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > _LARGEST_EXPONENT:
        raise OverflowError("exponent too large")
    return math.pow(base, exponent)
