"""From a key path to the line in a TOML text: what ``tomllib`` does not keep.

A small scanner of the text, used only for messages: values are always read by ``tomllib``. It follows table headers,
arrays of tables, dotted and quoted keys, inline tables, multi-line arrays and multi-line strings.
"""

from __future__ import annotations

import re

#: A key path: names, and positions in arrays.
KeyPath = tuple[str | int, ...]

_KEY = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) at which each key path of the TOML ``text`` is written.

    >>> key_lines("[accrual]\\nrate = 45\\n[[scenario]]\\nname = 'null'")[("accrual", "rate")]
    2
    >>> key_lines("x = { a = 1, b = { c = 2 } }")[("x", "b", "c")]
    1
    """
    found: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    position = 0
    while position < len(text):
        position = _skip(text, position)
        if position >= len(text):
            break
        line = text.count("\n", 0, position) + 1
        if text[position] == "[":
            double = text.startswith("[[", position)
            names, position = _key_path(text, position + (2 if double else 1))
            table = _inside(names, counts)
            if double:
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            _note(found, table, line)
            position = _end_of_line(text, position)
            continue
        names, after = _key_path(text, position)
        if not names or after >= len(text) or text[after] != "=":
            position = _end_of_line(text, position)
            continue
        path = (*table, *names)
        _note(found, path, line)
        position = _value(text, after + 1, path, found)
    return found


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """Return the line of ``path``, or of the longest part of it that is written down; None if nothing is.

    The empty path, if ``lines`` has it, is the table that all the others stand in.
    """
    for length in range(len(path), -1, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def dotted(path: KeyPath) -> str:
    """Write a key path as people do: ``arms.control.survival``, ``scenario[1].name`` (positions from 1)."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def _note(found: dict[KeyPath, int], path: KeyPath, line: int) -> None:
    for length in range(1, len(path) + 1):
        found.setdefault(path[:length], line)


def _inside(names: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """Put in the position where a header continues the last table of an array (``[scenario.arms]``)."""
    path: KeyPath = ()
    for i, name in enumerate(names):
        path = (*path, name)
        if path in counts and i < len(names) - 1:
            path = (*path, counts[path])
    return path


def _key_path(text: str, position: int) -> tuple[KeyPath, int]:
    names: list[str | int] = []
    while match := _KEY.match(text, position):
        names.append(next(group for group in match.groups() if group is not None))
        position = match.end()
        if position >= len(text) or text[position] != ".":
            break
        position += 1
    return tuple(names), position


def _value(text: str, position: int, path: KeyPath, found: dict[KeyPath, int]) -> int:
    """Skip one value and note the keys and positions inside it; return the position after it."""
    position = _skip(text, position)
    if position >= len(text):
        return position
    for quote in ('"""', "'''"):
        if text.startswith(quote, position):
            end = text.find(quote, position + 3)
            return len(text) if end < 0 else end + 3
    opening = text[position]
    if opening in "\"'":
        return _string_end(text, position)
    if opening == "[":
        position, index = _skip(text, position + 1), 0
        while position < len(text) and text[position] != "]":
            _note(found, (*path, index), text.count("\n", 0, position) + 1)
            before, position = position, _skip(text, _value(text, position, (*path, index), found))
            if position < len(text) and text[position] == ",":
                position, index = _skip(text, position + 1), index + 1
            elif position == before:
                return _end_of_line(text, position)
        return position + 1
    if opening == "{":
        position = _skip(text, position + 1)
        while position < len(text) and text[position] != "}":
            names, after = _key_path(text, position)
            if not names or after >= len(text) or text[after] != "=":
                return _end_of_line(text, position)
            inner = (*path, *names)
            _note(found, inner, text.count("\n", 0, position) + 1)
            position = _skip(text, _value(text, after + 1, inner, found))
            if position < len(text) and text[position] == ",":
                position = _skip(text, position + 1)
        return position + 1
    match = re.compile(r"[^,\]}#\n]*").match(text, position)
    return match.end() if match else position + 1


def _string_end(text: str, position: int) -> int:
    quote, position = text[position], position + 1
    while position < len(text) and text[position] not in (quote, "\n"):
        position += 2 if quote == '"' and text[position] == "\\" else 1
    return position + 1


def _skip(text: str, position: int) -> int:
    """Skip white space, line ends and comments."""
    while position < len(text):
        if text[position] in " \t\r\n":
            position += 1
        elif text[position] == "#":
            position = _end_of_line(text, position)
        else:
            break
    return position


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1
