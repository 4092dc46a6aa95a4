"""XML to a small tree, on expat with every way out of the file shut.

No external entity, no parameter entity, no external DTD is read; an internal entity may be a short plain text; depth,
number of elements, attributes and characters are bounded. What breaks a rule raises :class:`DataError`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from nextarm.core.errors import DataError

DEEPEST, MOST_ELEMENTS, MOST_CHARACTERS, MOST_ENTITIES, LONGEST_ENTITY = 200, 400_000, 8_000_000, 50, 1000


@dataclass(slots=True)
class Element:
    """An element: its name without namespace prefix, attributes, children and own text.

    ``children`` holds elements and, in their order, comments as plain strings.
    """

    name: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)
    text: str = ""
    tail_texts: list[tuple[int, str]] = field(default_factory=list)


def read_xml(data: bytes) -> Element:
    """The root element of ``data``."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    top = Element("", {})
    stack = [top]
    count = {"elements": 0, "characters": 0, "entities": 0}

    def start(name: str, attributes: dict[str, str]) -> None:
        count["elements"] += 1
        if len(stack) > DEEPEST:
            raise DataError("the drawing is nested too deeply", rule=f"at most {DEEPEST} levels")
        if count["elements"] > MOST_ELEMENTS:
            raise DataError("the drawing has too many elements", rule=f"at most {MOST_ELEMENTS:,}")
        count["characters"] += sum(map(len, attributes.values()))
        _bounded(count["characters"])
        made = Element(name.rpartition(":")[2], {k.rpartition(":")[2] if k != "xml:space" else k: v for k, v in attributes.items()})
        stack[-1].children.append(made)
        stack.append(made)

    def end(name: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        count["characters"] += len(text)
        _bounded(count["characters"])
        stack[-1].tail_texts.append((len(stack[-1].children), text))
        stack[-1].text += text

    def comment(text: str) -> None:
        if len(text) <= 200:
            stack[-1].children.append(text.strip())

    def entity(
        name: str, is_parameter: bool, value: str | None, base: str | None, system: str | None, public: str | None, notation: str | None
    ) -> None:
        count["entities"] += 1
        plain = value is not None and len(value) <= LONGEST_ENTITY and "&" not in value and "<" not in value
        if is_parameter or system or public or notation or not plain or count["entities"] > MOST_ENTITIES:
            raise DataError("the drawing declares an entity that is not a short plain text", rule="such entities are never read")

    def external(context: str, base: str | None, system: str | None, public: str | None) -> int:
        raise DataError("the drawing refers to another file", rule="external entities are never read")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.CommentHandler = comment
    parser.EntityDeclHandler = entity
    parser.ExternalEntityRefHandler = external
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DataError("the drawing is not well-formed XML", where=f"line {error.lineno}", rule=expat.ErrorString(error.code)) from None
    except (ValueError, LookupError) as error:  # an encoding that does not exist or does not fit
        raise DataError("the drawing is not well-formed XML", rule=str(error)[:100]) from None
    roots = [c for c in top.children if isinstance(c, Element)]
    if not roots:
        raise DataError("the drawing is empty")
    return roots[0]


def _bounded(characters: int) -> None:
    if characters > MOST_CHARACTERS:
        raise DataError("the drawing holds too much text", rule=f"at most {MOST_CHARACTERS:,} characters")
