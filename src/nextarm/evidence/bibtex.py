"""Sources as BibTeX, so that a report's numbers can be cited where they came from."""

from __future__ import annotations

from collections.abc import Iterable

from nextarm.core.trail import Source

_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def bibtex(sources: Iterable[Source]) -> str:
    """Write ``sources`` as BibTeX entries, each once, in the order given.

    A source with a DOI or PubMed number is an ``@article`` by its first author and others; any other page is ``@misc``
    by the name given. Fields that were not seen are left out; nothing is filled in.

    >>> print(bibtex([Source("pieters2019", "Pieters", 2019, "J Clin Oncol", "Interfant-06", doi="10.1200/JCO.19.00261")]))
    @article{pieters2019,
      author = {Pieters and others},
      title = {{Interfant-06}},
      journal = {J Clin Oncol},
      year = {2019},
      doi = {10.1200/JCO.19.00261},
    }
    """
    unique = {source.source_id: source for source in sources}
    return "\n\n".join(map(_entry, unique.values()))


def _entry(source: Source) -> str:
    article = bool(source.doi or source.pmid) and bool(source.journal)
    author = f"{_escape(source.first_author)} and others" if article else f"{{{_escape(source.first_author)}}}"
    values = {
        "author": author if source.first_author else "",
        "title": f"{{{_escape(source.title)}}}" if source.title else "",
        "journal" if article else "howpublished": _escape(source.journal),
        "year": str(source.year or ""),
        "doi": source.doi,
        "pmid": source.pmid,
        "url": source.url if not source.doi else "",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in values.items() if value]
    return "\n".join([f"@{'article' if article else 'misc'}{{{source.source_id},", *lines, "}"])


def _escape(text: str) -> str:
    return text.translate(_SPECIAL)
