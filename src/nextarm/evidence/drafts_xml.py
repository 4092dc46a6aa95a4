"""PubMed XML, article by article, so that a broken one costs no other. No entity but XML's own five is ever expanded.

An entity declaration anywhere refuses the file: it has no use in an export, and is how small files are made to swallow memory
or to read other files. The DTD that PubMed names is not fetched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from nextarm.core.errors import DataError
from nextarm.evidence.drafts import Malformed, Parsed, clean_doi, year_in

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ARTICLE = re.compile(r"<PubmedArticle(?=[\s>])")
_END = "</PubmedArticle>"


def parse_safely(text: str) -> Element:
    """Parse one element; ValueError says why not. Declarations of any kind are refused."""
    from xml.etree.ElementTree import TreeBuilder

    builder = TreeBuilder()
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("holds a document type or entity declaration")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = lambda *_: 0
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag, attributes) and None
    parser.EndElementHandler = lambda tag: builder.end(tag) and None
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise ValueError(f"is not well-formed ({expat.ErrorString(error.code)}, its line {error.lineno})") from None
    return builder.close()


def read_pubmed_xml(text: str) -> Parsed:
    """Every ``PubmedArticle``; :class:`DataError` where there is none or an entity is declared."""
    if re.search(r"<!(ENTITY|ELEMENT|ATTLIST|NOTATION)", text):
        raise DataError("the XML declares entities", rule="is refused: an export needs none", cure="Export it again from PubMed")
    starts = [m.start() for m in _ARTICLE.finditer(text)]
    if not starts:
        raise DataError("no PubmedArticle in the XML", rule="must be an export of PubMed")
    kept, bad = [], []
    for start, after in zip(starts, [*starts[1:], len(text)], strict=True):
        where = f"article at line {text.count(chr(10), 0, start) + 1}"
        piece = text[start:after]
        end = piece.find(_END)
        try:
            if end < 0:
                raise ValueError("does not end")
            cells = _cells(parse_safely(piece[: end + len(_END)]))
            if not cells["title_short"]:
                raise ValueError("has no title")
        except ValueError as error:
            bad.append(Malformed(where, str(error), " ".join(piece[:200].split())[:80]))
            continue
        kept.append((where, (("sources", cells),)))
    return Parsed(len(starts), tuple(kept), tuple(bad))


def _text(root: Element, *paths: str) -> str:
    for path in paths:
        found = root.find(path)
        if found is not None and (words := " ".join("".join(found.itertext()).split())):
            return words
    return ""


def _cells(root: Element) -> dict[str, str]:
    article = "MedlineCitation/Article"
    author = f"{article}/AuthorList/Author"
    dois = [e.text or "" for e in root.findall(f"{article}/ELocationID") if e.get("EIdType") == "doi"]
    dois += [e.text or "" for e in root.findall("PubmedData/ArticleIdList/ArticleId") if e.get("IdType") == "doi"]
    pmid = _text(root, "MedlineCitation/PMID")
    pmid = pmid if re.fullmatch(r"\d{1,9}", pmid) else ""
    issue = f"{article}/Journal/JournalIssue/PubDate"
    return {
        "first_author": _text(root, f"{author}/LastName", f"{author}/CollectiveName"),
        "year": year_in(_text(root, f"{issue}/Year", f"{issue}/MedlineDate", f"{article}/ArticleDate/Year")),
        "journal": _text(root, f"{article}/Journal/ISOAbbreviation", f"{article}/Journal/Title"),
        "title_short": _text(root, f"{article}/ArticleTitle", f"{article}/VernacularTitle"),
        "doi": next((d for v in dois if (d := clean_doi(v))), ""),
        "pmid": pmid,
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else "",
    }
