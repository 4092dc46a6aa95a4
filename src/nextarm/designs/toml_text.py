"""Write plain data as TOML text: the counterpart of ``tomllib``, for plans."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(data: Mapping[str, Any]) -> str:
    """Return ``data`` (strings, numbers, booleans, lists, nested mappings) as TOML; None values are left out.

    Top-level mappings become tables, lists of mappings arrays of tables, deeper mappings inline tables, except that the
    members of ``arms`` become tables of their own.

    >>> print(toml_text({"accrual": {"rate": 45.0, "ramp": None}}))
    [accrual]
    rate = 45.0
    """
    blocks: list[str] = []
    plain = [f"{_key(k)} = {_value(v)}" for k, v in data.items() if not isinstance(v, Mapping) and not _is_tables(v) and v is not None]
    if plain:
        blocks.append("\n".join(plain))
    for key, value in data.items():
        if isinstance(value, Mapping) and value and all(isinstance(v, Mapping) for v in value.values()):
            blocks += [_table(f"[{_key(key)}.{_key(name)}]", inner) for name, inner in value.items()]
        elif isinstance(value, Mapping):
            blocks.append(_table(f"[{_key(key)}]", value))
        elif _is_tables(value):
            blocks += [_table(f"[[{_key(key)}]]", inner) for inner in value]
    return "\n".join(blocks)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _table(header: str, data: Mapping[str, Any]) -> str:
    return "\n".join([header, *(f"{_key(k)} = {_value(v)}" for k, v in data.items() if v is not None)])


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(v) for v in value)}]"
    return repr(value)
