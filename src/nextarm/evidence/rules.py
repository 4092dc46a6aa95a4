"""Risk-group rules: a small language, its parser and its three-valued meaning. Nothing of a rule is ever executed.

Grammar (words in small letters)::

    rule      = and-part { "or" and-part }
    and-part  = not-part { "and" not-part }
    not-part  = "not" not-part | "(" rule ")" | condition
    condition = FIELD                                  (a yes/no field)
              | FIELD ("<" | "<=" | ">" | ">=" | "==" | "!=") VALUE
              | FIELD "in" "(" VALUE { "," VALUE } ")"

A VALUE is a number or a word in quotes. Fields and the values they take are :data:`FIELDS`. A rule is true, false or
unknown (``None``) for a patient: strong Kleene logic, so ``false and unknown`` is false and ``true or unknown`` is true.
A missing field makes a condition unknown; the category ``'unknown'`` is a value like any other.
Reference: Kleene SC. Introduction to Metamathematics, section 64 (1952).
"""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from nextarm.core.errors import DataError
from nextarm.evidence.reading import nearest

Value = float | str | bool


@dataclass(frozen=True)
class PatientField:
    """A field a rule may ask about: a number within limits, a category, or yes/no."""

    name: str
    kind: Literal["number", "category", "yes/no"]
    description: str
    unit: str = ""
    minimum: float = 0.0
    maximum: float = float("inf")
    categories: tuple[str, ...] = ()


#: Every field of the rules, with its domain.
FIELDS: Final[tuple[PatientField, ...]] = (
    PatientField("kmt2a_status", "category", "KMT2A gene", categories=("rearranged", "germline")),
    PatientField("age_days", "number", "Age at diagnosis", "days", maximum=45_000.0),
    PatientField("wbc_1e9_per_l", "number", "White blood cells at diagnosis", "1e9 a litre", maximum=20_000.0),
    PatientField(
        "day8_prednisone_response", "category", "Blasts in blood after a week of prednisone", categories=("good", "poor", "unknown")
    ),
    PatientField("mrd_eoi", "number", "Minimal residual disease at the end of induction", "proportion", maximum=1.0),
    PatientField("mrd_eoc", "number", "Minimal residual disease at the end of consolidation", "proportion", maximum=1.0),
    PatientField("mrd_post_blina1", "number", "Minimal residual disease after the first blinatumomab course", "proportion", maximum=1.0),
    PatientField("cr_eoi", "yes/no", "Complete remission at the end of induction"),
    PatientField("cns_involved", "yes/no", "Central nervous system involved at diagnosis"),
)
FIELD: Final[dict[str, PatientField]] = {f.name: f for f in FIELDS}

_OPERATORS: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class Compare:
    """``field operator value``."""

    field: str
    operator: str
    value: Value

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_write(self.value)}"


@dataclass(frozen=True)
class Member:
    """``field in (values)``."""

    field: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.field} in ({', '.join(map(_write, self.values))})"


@dataclass(frozen=True)
class Flag:
    """A yes/no field that must be yes."""

    field: str

    def __str__(self) -> str:
        return self.field


@dataclass(frozen=True)
class Not:
    """The opposite of a rule."""

    rule: Rule

    def __str__(self) -> str:
        return f"not {_inside(self.rule)}"


@dataclass(frozen=True)
class AllOf:
    """True when every part is."""

    parts: tuple[Rule, ...]

    def __str__(self) -> str:
        return " and ".join(map(_inside, self.parts))


@dataclass(frozen=True)
class AnyOf:
    """True when at least one part is."""

    parts: tuple[Rule, ...]

    def __str__(self) -> str:
        return " or ".join(map(_inside, self.parts))


Condition = Compare | Member | Flag
Rule = Compare | Member | Flag | Not | AllOf | AnyOf


def _write(value: Value) -> str:
    return repr(value) if isinstance(value, str) else f"{value:g}"


def _inside(rule: Rule) -> str:
    return f"({rule})" if isinstance(rule, AllOf | AnyOf) else str(rule)


def evaluate(rule: Rule, patient: Mapping[str, Value | None]) -> bool | None:
    """Return whether ``rule`` holds for ``patient`` (field to value; missing or None is unknown).

    >>> evaluate(parse_rule("age_days < 183 and cns_involved"), {"age_days": 200.0})
    False
    >>> evaluate(parse_rule("age_days < 183 and cns_involved"), {"age_days": 100.0}) is None
    True
    """
    match rule:
        case Not():
            inner = evaluate(rule.rule, patient)
            return None if inner is None else not inner
        case AllOf() | AnyOf():
            settles = isinstance(rule, AnyOf)
            values = [evaluate(part, patient) for part in rule.parts]
            return settles if settles in values else None if None in values else not settles
        case _:
            return _condition(rule, patient.get(rule.field))


def _condition(condition: Condition, value: Value | None) -> bool | None:
    if value is None:
        return None
    match condition:
        case Compare():
            return _OPERATORS[condition.operator](value, condition.value)
        case Member():
            return value in condition.values
        case Flag():
            return bool(value)


@dataclass(frozen=True)
class Verdict:
    """What a rule says of a patient: its value, the conditions that decided, the missing fields that could still decide."""

    value: bool | None
    because: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def explain(rule: Rule, patient: Mapping[str, Value | None]) -> Verdict:
    """Return the verdict of ``rule`` with the conditions that were enough to reach it.

    >>> explain(parse_rule("age_days < 183 and cns_involved"), {"age_days": 200.0}).because
    ('age_days = 200 is not < 183',)
    """
    match rule:
        case Not():
            inner = explain(rule.rule, patient)
            return Verdict(None if inner.value is None else not inner.value, inner.because, inner.missing)
        case AllOf() | AnyOf():
            settles = isinstance(rule, AnyOf)
            parts = [explain(part, patient) for part in rule.parts]
            for part in parts:
                if part.value is settles:
                    return part
            unknown = [part for part in parts if part.value is None]
            because = tuple(dict.fromkeys(b for part in parts if part.value is not None for b in part.because))
            missing = tuple(dict.fromkeys(m for part in unknown for m in part.missing))
            return Verdict(None, because, missing) if unknown else Verdict(not settles, because)
        case _:
            value = patient.get(rule.field)
            result = _condition(rule, value)
            return Verdict(None, missing=(rule.field,)) if value is None else Verdict(result, (_say(rule, value, bool(result)),))


#: Completions that :func:`settle` goes through at most; beyond them missing fields stay missing.
_MOST_COMPLETIONS = 5_000


def settle(rule: Rule, patient: Mapping[str, Value | None]) -> Verdict:
    """The verdict of ``rule`` whatever the missing fields may be; where it is open, ``missing`` are the fields that could decide.

    Goes through one value of every kind that the conditions of the rule tell apart, so that a field all of whose values lead to
    one answer is no longer asked for.

    >>> rule = parse_rule("age_days >= 183 or (age_days < 183 and wbc_1e9_per_l < 300)")
    >>> settle(rule, {"wbc_1e9_per_l": 50.0}).because
    ('wbc_1e9_per_l = 50 is < 300', 'whatever age_days may be')
    >>> settle(rule, {"wbc_1e9_per_l": 400.0}).missing
    ('age_days',)
    """
    first = explain(rule, patient)
    asked = first.missing
    kinds = [_kinds(name, rule) for name in asked]
    if not asked or math.prod(map(len, kinds)) > _MOST_COMPLETIONS:
        return first
    made = {chosen: explain(rule, {**patient, **dict(zip(asked, chosen, strict=True))}) for chosen in itertools.product(*kinds)}
    if len({verdict.value for verdict in made.values()}) == 1:
        known = {_say(c, v, bool(_condition(c, v))) for c in conditions_in(rule) if (v := patient.get(c.field)) is not None}
        because = dict.fromkeys(b for verdict in made.values() for b in verdict.because if b in known)
        return Verdict(next(iter(made.values())).value, (*because, f"whatever {' and '.join(asked)} may be"))
    deciding = (
        name
        for i, name in enumerate(asked)
        if any(made[chosen].value != made[(*chosen[:i], other, *chosen[i + 1 :])].value for chosen in made for other in kinds[i])
    )
    return Verdict(None, first.because, tuple(deciding))


def _kinds(name: str, rule: Rule) -> tuple[Value, ...]:
    """Values of a field of which every other one is like one of them to the conditions of ``rule``."""
    field = FIELD[name]
    if field.kind == "category":
        return field.categories
    if field.kind == "yes/no":
        return (True, False)
    cuts = sorted({float(c.value) for c in conditions_in(rule) if c.field == name and isinstance(c, Compare)})
    cuts = sorted({*cuts, *(float(v) for c in conditions_in(rule) if c.field == name and isinstance(c, Member) for v in c.values)})
    ends = [field.minimum, *cuts, field.maximum]
    return tuple(dict.fromkeys(v for low, high in itertools.pairwise(ends) for v in (low, (low + high) / 2, high)))


def _say(condition: Condition, value: Value, holds: bool) -> str:
    if isinstance(condition, Flag):
        return f"{condition.field} = {'yes' if value else 'no'}"
    if isinstance(condition, Compare) and condition.operator == "==" and holds:
        return f"{condition.field} = {_write(value)}"
    what = f"in ({', '.join(map(_write, condition.values))})" if isinstance(condition, Member) else ""
    what = what or f"{condition.operator} {_write(condition.value)}" if isinstance(condition, Compare) else what
    return f"{condition.field} = {_write(value)} is {'' if holds else 'not '}{what}"


def fields_in(rule: Rule) -> tuple[str, ...]:
    """The fields ``rule`` asks about, in the order of reading."""
    return tuple(dict.fromkeys(c.field for c in conditions_in(rule)))


def conditions_in(rule: Rule) -> Iterator[Condition]:
    """Every condition of ``rule``, in the order of reading."""
    match rule:
        case Not():
            yield from conditions_in(rule.rule)
        case AllOf() | AnyOf():
            for part in rule.parts:
                yield from conditions_in(part)
        case _:
            yield rule


_TOKEN = re.compile(r"\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[a-z_][a-z0-9_]*)|'(?P<text>[^'\"]*)'"
                    r"|(?P<sign><=|>=|==|!=|[<>(),]))")  # fmt: skip
_MAX_CHARACTERS = 2_000
_MAX_DEPTH = 40


def parse_rule(text: str) -> Rule:
    """Parse the text of a rule; :class:`DataError` says what is wrong and at which character.

    >>> str(parse_rule("not (age_days >= 183 or cns_involved)"))
    'not (age_days >= 183 or cns_involved)'
    """
    if len(text) > _MAX_CHARACTERS:
        raise DataError(f"a rule of {len(text)} characters", rule=f"must not exceed {_MAX_CHARACTERS}")
    return _Parser(text).whole()


class _Parser:
    """Recursive descent over the tokens of one rule."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokens())
        self.next = 0
        self.depth = 0

    def _tokens(self) -> Iterator[tuple[str, str, int]]:
        at, end = 0, len(self.text.rstrip())
        while at < end:
            found = _TOKEN.match(self.text, at)
            if not found:
                rest = self.text[at:].lstrip()
                cure = "Write == for equal" if rest.startswith("=") else "Quote words with '...'" if rest.startswith('"') else ""
                raise self._error(f"{rest[:1]!r} is not part of the language", len(self.text) - len(rest), cure)
            kind = str(found.lastgroup)
            yield kind, found[kind], found.start(kind)
            at = found.end()

    def _error(self, what: str, at: int, cure: str = "") -> DataError:
        return DataError(what, where=f"the rule at character {at + 1}", cure=cure)

    def _peek(self) -> tuple[str, str, int]:
        return self.tokens[self.next] if self.next < len(self.tokens) else ("end", "the end", len(self.text))

    def _take(self, *words: str) -> bool:
        if self._peek()[0] in ("word", "sign") and self._peek()[1] in words:
            self.next += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            _, found, at = self._peek()
            raise self._error(f"{found!r} where {sign!r} must stand", at)

    def whole(self) -> Rule:
        rule = self._any()
        kind, found, at = self._peek()
        if kind != "end":
            cure = "Join conditions with and, or" if kind == "word" else "Comparisons cannot be chained" if found in _OPERATORS else ""
            raise self._error(f"{found!r} after the rule", at, cure)
        return rule

    def _any(self) -> Rule:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self) -> Rule:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _not(self) -> Rule:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self._error("the rule is nested too deeply", self._peek()[2], f"At most {_MAX_DEPTH} levels")
        try:
            if self._take("not"):
                return Not(self._not())
            if self._take("("):
                rule = self._any()
                self._expect(")")
                return rule
            return self._condition()
        finally:
            self.depth -= 1

    def _condition(self) -> Condition:
        kind, name, at = self._peek()
        if kind != "word" or name in ("and", "or", "in"):
            raise self._error(f"{name!r} where a condition must stand", at, "A condition begins with a field")
        if name not in FIELD:
            raise self._error(f"{name!r} is not a field", at, nearest(name, FIELD) or f"Fields are {', '.join(FIELD)}")
        self.next += 1
        field = FIELD[name]
        kind, sign, at = self._peek()
        if sign in _OPERATORS and kind == "sign":
            self.next += 1
            if field.kind != "number" and sign not in ("==", "!="):
                raise self._error(f"{name} {sign}", at, f"{name} is no number: use ==, != or in")
            return Compare(name, sign, self._value(field))
        if self._take("in"):
            self._expect("(")
            values = [self._value(field)]
            while self._take(","):
                values.append(self._value(field))
            self._expect(")")
            return Member(name, tuple(values))
        if field.kind != "yes/no":
            raise self._error(f"{name} stands alone", at, "Only a yes/no field may; compare it with a value")
        return Flag(name)

    def _value(self, field: PatientField) -> Value:
        kind, text, at = self._peek()
        if field.kind == "number" and kind == "number":
            self.next += 1
            if not field.minimum <= float(text) <= field.maximum:
                raise self._error(f"{field.name} is compared with {text}", at, f"It runs from {field.minimum:g} to {field.maximum:g}")
            return float(text)
        if field.kind == "category" and kind == "text":
            if text not in field.categories:
                raise self._error(f"{text!r} is no value of {field.name}", at, f"Values are {', '.join(field.categories)}")
            self.next += 1
            return text
        if field.kind == "yes/no":
            raise self._error(f"{field.name} is yes or no", at, f"Write {field.name} or not {field.name}")
        want = "a number" if field.kind == "number" else "a word in quotes"
        raise self._error(f"{text!r} where {want} must stand", at)
