"""Results: frozen records that know their trail, write themselves to JSON and read back equal.

Define one with :func:`record` and derive it from :class:`Result`::

    @record
    class PooledEstimate(Result):
        estimate: float
        ci: Interval
        tau2: float

Field types that JSON can carry: str, int, float, bool, None, tuples, dicts with string keys, numpy arrays of floats,
integers or booleans, and other records or plain dataclasses. A float array writes NaN as null (a time not reached) and
reads it back; a scalar that may be missing is ``float | None``. NaN or infinity in a scalar, and infinity anywhere, is an
error: it would be a bug upstream.
"""

from __future__ import annotations

import json
import math
import types
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform, get_args, get_origin

import numpy as np

from nextarm.core.errors import DataError
from nextarm.core.trail import Trail

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen, keyword-only dataclass whose equality understands arrays."""
    made = dataclass(frozen=True, eq=False, kw_only=True)(cls)
    setattr(made, "__eq__", _equal_records)  # noqa: B010 (a plain assignment is refused by the type checker)
    setattr(made, "__hash__", None)  # noqa: B010
    return made


def _equal_records(self: Any, other: Any) -> bool:
    return type(self) is type(other) and all(_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)) or a.dtype != b.dtype:
            return False
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    return bool(a == b)


@record
class Interval:
    """An interval with its level (0.95 for 95 %) and a word for its kind (confidence, prediction, credible)."""

    low: float
    high: float
    level: float = 0.95
    kind: str = "confidence"


@record
class Result:
    """Base of all results: the trail and the warnings; subclasses add the numbers."""

    trail: Trail
    warnings: tuple[str, ...] = ()

    #: Fields that hold numbers of interest, in the order ``table()`` shows them; empty means all scalar fields.
    shown: ClassVar[tuple[str, ...]] = ()

    def table(self) -> pl.DataFrame:
        """The result as a polars frame: one row of its scalar fields unless a subclass says better."""
        import polars as pl

        return pl.DataFrame(self._rows())

    def shown_rows(self) -> list[dict[str, Any]]:
        """The rows of :meth:`table` as dictionaries, without loading polars unless a subclass makes its table by itself."""
        return self._rows() if type(self).table is Result.table else self.table().to_dicts()

    def _rows(self) -> list[dict[str, Any]]:
        """What :meth:`table` shows, a row a dictionary."""
        row: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Interval):
                row[f"{f.name}_low"], row[f"{f.name}_high"] = value.low, value.high
            elif value is None or isinstance(value, str | int | float | bool):
                row[f.name] = value
        return [{k: row[k] for k in self.shown} if self.shown else row]

    def to_json(self, *, indent: int | None = None) -> str:
        """Write the result, its kind and its trail as JSON; :meth:`from_json` reads it back equal."""
        return json.dumps(to_data(self), indent=indent, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote; :class:`DataError` if it is not a result of this kind."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError("the text is not JSON", where=f"line {error.lineno}", rule=error.msg) from None
        if not isinstance(data, dict) or data.get("kind") != cls.__name__:
            found = data.get("kind") if isinstance(data, dict) else type(data).__name__
            raise DataError(f"kind = {found!r}", rule=f"must be {cls.__name__!r}", cure="Give a file this program wrote for this step")
        return typing.cast(Self, from_data(cls, data))


def to_data(value: Any, path: str = "") -> Any:
    """Turn a record into JSON data (dicts, lists, numbers, strings, null)."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            if np.isinf(value).any():
                raise ValueError(f"{path}: infinity in a result array")
            return _null_for_nan(value.tolist())
        return value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{path}: {value} in a result; a value that is missing must be None")
        return value
    if value is None or isinstance(value, str | int | bool):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        data = {"kind": type(value).__name__} if isinstance(value, Result) else {}
        return data | {f.name: to_data(getattr(value, f.name), f"{path}.{f.name}") for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): to_data(v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [to_data(v, f"{path}[{i}]") for i, v in enumerate(value)]
    raise TypeError(f"{path}: {type(value).__name__} cannot be written to JSON")


def _null_for_nan(values: Any) -> Any:
    """Nested lists of floats with null in place of NaN."""
    if isinstance(values, list):
        return [_null_for_nan(v) for v in values]
    return None if values != values else values


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def from_data(kind: Any, data: Any, path: str = "") -> Any:
    """Read JSON data as the type ``kind``; :class:`DataError` names the path of what does not fit."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return data
    if origin is np.ndarray:
        dtype = np.dtype(get_args(args[1])[0])
        if dtype.kind == "f":
            return np.array([np.nan if v is None else v for v in data] if data and not isinstance(data[0], list) else data, dtype)
        return np.array(data, dtype)
    if origin in (types.UnionType, typing.Union):
        if data is None and type(None) in args:
            return None
        options = [a for a in args if a is not type(None)]
        if isinstance(data, dict) and "kind" in data:
            options = [a for a in options if getattr(a, "__name__", "") == data["kind"]] or options
        for option in options:
            try:
                return from_data(option, data, path)
            except (DataError, TypeError):
                continue
        raise DataError(f"{path or 'value'} = {data!r}", rule="does not fit any allowed type")
    if origin is typing.Literal:
        if data not in args:
            raise DataError(f"{path} = {data!r}", rule=f"must be one of {', '.join(map(repr, args))}")
        return data
    if origin in (tuple, list):
        if not isinstance(data, list):
            raise DataError(f"{path} = {data!r}", rule="must be a list")
        if origin is list:
            return [from_data(args[0], v, f"{path}[{i}]") for i, v in enumerate(data)]
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(from_data(args[0], v, f"{path}[{i}]") for i, v in enumerate(data))
        return tuple(from_data(a, v, f"{path}[{i}]") for i, (a, v) in enumerate(zip(args, data, strict=True)))
    if origin is dict:
        return {k: from_data(args[1], v, f"{path}.{k}") for k, v in data.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return _record_from(kind, data, path)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is not Any and isinstance(kind, type) and not isinstance(data, kind):
        raise DataError(f"{path or 'value'} = {data!r}", rule=f"must be {kind.__name__}")
    return data


def _record_from(kind: type, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise DataError(f"{path or 'value'} = {data!r}", rule=f"must be an object with the fields of {kind.__name__}")
    hints = _hints(kind)
    known = {f.name: f for f in fields(kind)}
    if unknown := set(data) - set(known) - {"kind"}:
        raise DataError(f"{path or kind.__name__} has unknown fields {', '.join(sorted(unknown))}")
    missing = [n for n, f in known.items() if n not in data and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise DataError(f"{path or kind.__name__} lacks {', '.join(missing)}")
    return kind(**{n: from_data(hints[n], data[n], f"{path}.{n}" if path else n) for n in known if n in data})
