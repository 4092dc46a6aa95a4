"""Files made to break a reader of figures: truncated, malformed, bombs, references, loops. All made here, none is anybody's."""

from __future__ import annotations

import gzip
import struct
import zlib

from figures_as_text import document, exponential_arm, page, pdf, picture, stream, svg


def png_chunk(kind: bytes, body: bytes, *, crc: int | None = None) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) if crc is None else crc)


def png(width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 2, before: bytes = b"", interlace: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + before + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def tiff(*entries: tuple[int, int, int, int], next_directory: int = 0, body: bytes = b"") -> bytes:
    out = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        out += struct.pack("<HHII", tag, kind, count, value & 0xFFFFFFFF)
    return out + struct.pack("<I", next_directory) + body


def pictures() -> dict[str, bytes]:
    whole = {k: picture(k) for k in ("png", "jpeg", "tiff", "webp")}
    zeros = zlib.compress(b"\0" * 3_000_000, 9)
    return {
        "empty": b"",
        "png-magic-only": whole["png"][:8],
        "png-half": whole["png"][: len(whole["png"]) // 2],
        "png-bomb-by-header": png(60_000, 60_000, zeros),
        "png-just-over-40-megapixels": png(10_000, 4_001, zeros),
        "png-bomb-within-limit": png(6_300, 6_300, zlib.compress(b"\0" * (6_300 * 3 + 1) * 200, 9)),
        "png-no-pixels": png(0, 0, b""),
        "png-negative-width": png(0x80000001, 5, zeros),
        "png-bad-crc": whole["png"][:29] + b"\0\0\0\0" + whole["png"][33:],
        "png-garbage-in-data": png(200, 100, b"\x78\x9c" + b"\xa5" * 400),
        "png-text-bomb": png(10, 10, zeros, before=png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"A" * 80_000_000, 9))),
        "png-profile-bomb": png(10, 10, zeros, before=png_chunk(b"iCCP", b"p\0\0" + zlib.compress(b"A" * 80_000_000, 9))),
        "png-many-chunks": png(10, 10, zeros, before=png_chunk(b"tEXt", b"k\0v") * 50_000),
        "png-palette-missing": png(50, 50, zeros, colour=3),
        "png-interlaced-short": png(500, 500, zeros[:40], interlace=1),
        "png-odd-depth": png(50, 50, zeros, depth=7),
        "png-one-pixel": png(1, 1, zlib.compress(b"\0abc")),
        "png-chunk-length-huge": whole["png"][:8] + struct.pack(">I", 0x7FFFFFFF) + b"IHDR" + b"\0" * 30,
        "jpeg-magic-only": b"\xff\xd8\xff",
        "jpeg-half": whole["jpeg"][: len(whole["jpeg"]) // 2],
        "jpeg-huge-size": whole["jpeg"].replace(struct.pack(">HH", 300, 400), struct.pack(">HH", 65_500, 65_500)),
        "jpeg-garbage": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40,
        "jpeg-no-frame": b"\xff\xd8\xff\xda\0\x0c" + b"\x11" * 500,
        "jpeg-segment-past-end": b"\xff\xd8\xff\xe1\xff\xff" + b"Exif\0\0" + b"\0" * 10,
        "tiff-magic-only": b"II*\0",
        "tiff-half": whole["tiff"][: len(whole["tiff"]) // 2],
        "tiff-directory-loop": tiff((256, 3, 1, 10), (257, 3, 1, 10), next_directory=8),
        "tiff-directory-past-end": b"MM\0*" + struct.pack(">I", 0xFFFFFFF0),
        "tiff-huge-count": tiff((256, 4, 1, 100), (257, 4, 1, 100), (273, 4, 0x7FFFFFFF, 8)),
        "tiff-bomb-by-header": tiff((256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 9)),
        "tiff-lzw-garbage": tiff((256, 3, 1, 90), (257, 3, 1, 90), (258, 3, 1, 8), (259, 3, 1, 5), (262, 3, 1, 1), (273, 4, 1, 100), (279, 4, 1, 90), body=b"\xfe" * 300),
        "webp-magic-only": b"RIFF\x10\0\0\0WEBP",
        "webp-half": whole["webp"][: len(whole["webp"]) // 2],
        "webp-huge-canvas": b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff" + b"\0" * 30,
        "webp-garbage": b"RIFF\xff\0\0\0WEBPVP8L" + bytes(range(256)),
        "gif": b"GIF89a" + b"\x01\0" * 50,
        "bmp": b"BM" + b"\0" * 100,
        "zip": b"PK\x03\x04" + b"\0" * 100,
        "svg-in-gzip": gzip.compress(svg([exponential_arm("a", 20)]).encode()),
        "html": b"<!DOCTYPE html><html><body>figure</body></html>",
        "program": b"\x7fELF" + b"\0" * 200,
        "plain-text": b"time,survival\n0,1\n",
        "zeros": b"\0" * 5000,
    }  # fmt: skip


def drawings() -> dict[str, bytes]:
    figure = svg([exponential_arm("a", 20), exponential_arm("b", 30)])
    laughs = "".join(f'<!ENTITY l{i + 1} "' + f"&l{i};" * 10 + '">' for i in range(10))
    texts = {
        "svg-empty": document(""),
        "svg-not-closed": figure[: len(figure) // 2],
        "svg-file-entity": document("<text>&x;</text>", head='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "svg-http-entity": document("<text>&x;</text>", head='<!DOCTYPE svg [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'),
        "svg-parameter-entity": document("", head='<!DOCTYPE svg [<!ENTITY % x SYSTEM "file:///etc/hostname"> %x;]>'),
        "svg-external-dtd": document("<text>&undefined;</text>", head='<!DOCTYPE svg SYSTEM "http://127.0.0.1:9/x.dtd">'),
        "svg-billion-laughs": document("<text>&l10;</text>", head=f'<!DOCTYPE svg [<!ENTITY l0 "ha">{laughs}]>'),
        "svg-quadratic-entities": document(f"<text>{'&a;' * 50_000}</text>", head='<!DOCTYPE svg [<!ENTITY a "' + "A" * 900 + '">]>'),
        "svg-many-entities": document("", head="<!DOCTYPE svg [" + "".join(f'<!ENTITY e{i} "x">' for i in range(2000)) + "]>"),
        "svg-nested-100000": document("<g>" * 100_000),
        "svg-nested-closed": document("<g>" * 190 + "</g>" * 190) + "<!-- -->",
        "svg-use-of-itself": document('<g id="a"><use href="#a"/></g><use href="#a"/>'),
        "svg-use-of-each-other": document('<g id="a"><use href="#b"/><use href="#b"/></g><g id="b"><use href="#a"/><use href="#a"/></g>'),
        "svg-use-exponential": document(
            "<defs><g id='u0'><path d='M0 0L1 1'/></g>" + "".join(f"<g id='u{i + 1}'>" + f"<use href='#u{i}'/>" * 10 + "</g>" for i in range(12)) + "</defs><use href='#u12'/>"
        ),
        "svg-path-of-10-megabytes": document('<path stroke="red" d="M0 0' + "L1 2 3 4" * 1_250_000 + '"/>'),
        "svg-path-of-letters": document('<path stroke="red" d="' + "MLHVCSQTAZ" * 2000 + '"/>'),
        "svg-numbers-out-of-range": document('<path stroke="red" d="M1e308 1e308L-1e308 1e999 NaN inf 5"/><rect x="1e300" width="1e300" height="nan"/>'),
        "svg-zero-scale": document('<g transform="scale(0)"><path stroke="red" d="M0 0H50V50H90"/></g>'),
        "svg-matrix-huge": document('<g transform="matrix(1e300 0 0 1e300 0 0) scale(1e300)"><path stroke="red" d="M0 0H50V50H90"/></g>'),
        "svg-100001-lines": document("<path stroke='red' d='M0 0H9'/>" * 100_001),
        "svg-script": document("<script>while(true){}</script>" + figure[figure.index("<g ") : figure.rindex("</svg>")]),
        "svg-foreign-object": document("<foreignObject><iframe src='http://127.0.0.1:9'/></foreignObject>"),
        "svg-external-image": document('<image href="http://127.0.0.1:9/a.png" width="500" height="400"/><use href="file:///etc/passwd#a"/>'),
        "svg-image-of-data": document('<image href="data:image/png;base64,' + "A" * 100_000 + '" width="500" height="400"/>'),
        "svg-style-import": document("<style>@import url(http://127.0.0.1:9/x.css); @font-face { src: url(file:///dev/zero) }</style>"),
        "svg-style-of-100000-rules": document("<style>" + "g .a path { stroke: red }" * 100_000 + "</style>" + "<g class='a'><path d='M0 0H5'/></g>" * 60),
        "svg-style-braces": document("<style>" + "@media{" * 50_000 + "</style>"),
        "svg-style-comment": document("<style>" + "/*" * 200_000 + "</style>"),
        "svg-clip-of-itself": document('<clipPath id="c" clip-path="url(#c)"><use href="#c"/></clipPath><path clip-path="url(#c)" stroke="red" d="M0 0H5"/>'),
        "svg-many-dashes": document('<path stroke="red" stroke-dasharray="' + "1 " * 500_000 + '" d="M0 0H500"/>'),
        "svg-attribute-of-9-megabytes": document('<path stroke="red" d="M0 0" class="' + "x " * 4_500_000 + '"/>'),
        "svg-viewbox-zero": figure.replace('viewBox="0 0 620 500"', 'viewBox="0 0 0 0"').replace('width="620"', 'width="-5"'),
        "svg-viewbox-text": figure.replace('viewBox="0 0 620 500"', 'viewBox="a b c d"').replace('width="620"', 'width="1e309"'),
        "svg-control-characters": document("<text x='5' y='5'>\u202e\u2066\ufffe&#8;</text>"),
        "svg-12000-numbers": document("".join(f"<text x='{i % 600}' y='{i % 400}'>{i % 101}</text>" for i in range(12_000))),
        "svg-numbers-like-axes": document("".join(f"<text x='{10 * i}' y='{400 - 10 * i}'>{i / 40}</text>" for i in range(41)) * 20),
        "svg-arcs": document('<path stroke="red" d="M0 0' + "A1e-9 1e9 45 1 1 5 5" * 5000 + '"/>'),
        "svg-label-of-digits": document("<text x='5' y='5'>" + "9" * 100_000 + "</text><text x='5' y='9'>1" + "e9" * 500 + "</text>"),
        "svg-processing": document("<?php echo 1 ?>" * 1000),
        "svg-10000-pieces": document("".join(f'<path stroke="red" fill="none" d="M{i % 500} {i % 300}h1"/><path stroke="red" d="M{i % 500} {i % 300}v1"/>' for i in range(5_000))),
    }  # fmt: skip
    files = {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
    files["svg-utf-16-said-utf-8"] = figure.encode("utf-16")
    files["svg-bad-utf-8"] = figure.replace("Survival", "\u00ff").encode("latin-1")
    files["svg-unknown-encoding"] = figure.replace("UTF-8", "no-such-code").encode()
    files["svg-null-bytes"] = figure.encode().replace(b"<g", b"<\0g")
    return files


def documents() -> dict[str, bytes]:
    content = page([exponential_arm("a", 20), exponential_arm("b", 30)])
    whole = pdf([content])
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 600 500] /Resources << /XObject << /X 100 0 R >> >> /Length 5 >>\nstream\n/X Do\nendstream"
    wide = b"<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode /Length 14 >>\nstream\n" + zlib.compress(b"\0" * 50) + b"\nendstream"  # fmt: skip
    return {
        "pdf-magic-only": b"%PDF-1.7",
        "pdf-half": whole[: len(whole) // 2],
        "pdf-no-pages": pdf([]),
        "pdf-51-pages": pdf([content] * 51),
        "pdf-claims-pages": whole.replace(b"/Count 1", b"/Count 999999999"),
        "pdf-page-tree-loop": whole.replace(b"/Kids [10 0 R]", b"/Kids [ 2 0 R]"),
        "pdf-xref-past-end": whole.replace(b"startxref\n", b"startxref\n99"),
        "pdf-xref-loop": whole.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev " + str(whole.rindex(b"xref\n0")).encode()),
        "pdf-locked": pdf([content], trailer="/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O (" + "a" * 32 + ") /U (" + "b" * 32 + ") >> /ID [(a) (a)]"),
        "pdf-huge-page": pdf([content], box="0 0 1e9 1e9"),
        "pdf-empty-page": pdf([content], box="0 0 0 0"),
        "pdf-negative-page": pdf([content], box="600 500 0 0"),
        "pdf-form-of-itself": pdf([b"/X Do"], resources="/XObject << /X 100 0 R >>", extra={100: form}),
        "pdf-stream-bomb": pdf([b"0 0 m 1 1 l S\n" * 8_000_000]),
        "pdf-wrong-filter": pdf([content]).replace(b"/FlateDecode", b"/DCTDecode  "),
        "pdf-numbers-out-of-range": pdf([b"1 0 0 RG 1e38 1e38 m -1e38 9999999999999999999 l 5 nan l S 0 0 m " + b"9" * 400 + b" 5 l S"]),
        "pdf-deep-arrays": pdf([content], resources="/A " + "[" * 20_000 + "]" * 20_000),
        "pdf-deep-states": pdf([b"q " * 200_000]),
        "pdf-image-bomb": pdf([b"q 500 0 0 400 0 0 cm /I Do Q"], resources="/XObject << /I 100 0 R >>", extra={100: wide}),
        "pdf-script": pdf([content], extra={100: b"<< /S /JavaScript /JS (while(1){}) >>"}).replace(b"/Pages 2 0 R", b"/Pages 2 0 R /OpenAction 100 0 R"),
        "pdf-many-paths": pdf([b"0 0 m 5 5 l S\n" * 110_000]),
        "pdf-many-letters": pdf([b"BT /F1 8 Tf 10 10 Td (" + b"12 " * 30_000 + b") Tj ET"]),
        "pdf-garbage-content": pdf([bytes(range(256)) * 200]),
        "pdf-garbage-objects": b"%PDF-1.4\n" + bytes(range(1, 256)) * 100 + b"\ntrailer << /Root 1 0 R >>",
        "pdf-length-wrong": whole.replace(b"/Length ", b"/Length 99999"),
        "pdf-content-is-page": pdf([content], extra={11: b"10 0 R"}),
        "pdf-object-stream-garbage": pdf([content], extra={100: stream(b"\0" * 50).replace(b"<<", b"<< /Type /ObjStm /N 99999999 /First 10")}),
    }  # fmt: skip


def corpus() -> dict[str, bytes]:
    """Name and bytes of every hostile file."""
    return pictures() | drawings() | documents()
