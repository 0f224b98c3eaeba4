"""OBJ, PLY, STL and OFF files that break the rules of their formats."""

from __future__ import annotations

import re
import struct

from .case import Case
from .cases_meshes import Edit, of, one_bad, swap


def _obj() -> list[Case]:
    tail = swap(rb"f 1/1/1 [^\n]*", b"f 1 2")
    return [
        one_bad("obj-index-zero", "count from 1", "obj", swap(rb"f 1/", b"f 0/")),
        one_bad("obj-negative-index", "vertex -", "obj", swap(rb"f 1/", b"f -99/")),
        one_bad(
            "obj-index-of-40-digits", "vertex", "obj", swap(rb"f 1/", b"f " + b"9" * 40 + b"/")
        ),
        one_bad("obj-index-of-5000-digits", "number", "obj", swap(rb"f 1/", b"f " + b"9" * 5000)),
        one_bad("obj-edge-as-face", "fewer than three corners", "obj", tail),
        one_bad("obj-words-as-indices", "other than numbers", "obj", swap(rb"f 1/", b"f one/")),
        one_bad("obj-face-without-corners", "corners", "obj", swap(rb"f 1/[^\n]*", b"f ")),
        one_bad("obj-two-coordinates", "three numbers", "obj", swap(rb"v [^\n]*", b"v 1 2")),
        one_bad("obj-words-as-coordinates", "three numbers", "obj", swap(rb"v [^\n]*", b"v a b c")),
        one_bad("obj-overflowing-number", "NaN or inf", "obj", swap(rb"v [^\n]*", b"v 1e999 0 0")),
        one_bad("obj-decimal-commas", "decimal comma", "obj", lambda c: c.replace(b".", b",")),
        one_bad("off-decimal-commas", "decimal comma", "off", lambda c: c.replace(b".", b",")),
        one_bad(
            "ply-decimal-commas",
            "decimal comma",
            "text ply",
            lambda c: c.replace(b".", b",").replace(b"1,0\n", b"1.0\n"),
        ),
        one_bad("stl-decimal-commas", "decimal comma", "text stl", lambda c: c.replace(b".", b",")),
        one_bad(
            "obj-utf-16-cut-off",
            "UTF-16, and is not",
            "obj",
            lambda c: c.decode().encode("utf-16")[:-1],
        ),
        one_bad("obj-binary", "has no vertex", "obj", of(bytes(range(256)) * 8)),
        one_bad("obj-empty", "is empty", "obj", of(b"")),
        one_bad("obj-only-blank-lines", "is empty", "obj", of(b"\n \n\t\n")),
        one_bad("obj-is-a-ply", "has no vertex", "obj", of(b"ply\nformat ascii 1.0\nend_header\n")),
        one_bad("obj-extra-vertex", "26 vertices, most", "obj", lambda c: b"v 0 0 0\n" + c),
        one_bad("obj-name-with-spaces-and-umlauts", "is empty", "obj", of(b""), "Gesicht ä 顔 (1)"),
        one_bad("obj-name-of-an-option", "is empty", "obj", of(b""), "--help"),
        one_bad("obj-name-with-percent-and-braces", "is empty", "obj", of(b""), "{0}%s{name}"),
    ]


def _ply() -> list[Case]:
    huge = b"99999999999999"
    digits = b"9" * 40
    point = (
        b"ply\nformat binary_little_endian 1.0\nelement vertex 999999999999\nend_header\n"
        + bytes(64)
    )
    uneven = (
        b"ply\nformat binary_little_endian 1.0\nelement face 999999999999\n"
        b"property list uchar int vertex_indices\nend_header\n" + bytes(64)
    )
    long_list = (
        b"ply\nformat binary_little_endian 1.0\nelement face 1\n"
        b"property list uint int vertex_indices\nend_header\n" + b"\xff" * 64
    )
    many = b"".join(b"element e%d 0\nproperty int a\n" % i for i in range(9000))
    return [
        one_bad(
            "ply-more-vertices-announced",
            "cut off|vertex|corners",
            "ply",
            swap(b"vertex 25", b"vertex 26"),
        ),
        one_bad(
            "ply-fewer-vertices-announced",
            "cut off|damaged|vert|corners",
            "ply",
            swap(b"vertex 25", b"vertex 24"),
        ),
        one_bad("ply-fewer-faces-announced", "differently", "ply", swap(b"face 32", b"face 31")),
        one_bad(
            "ply-huge-vertex-count",
            f"announces {huge.decode()}",
            "ply",
            swap(b"vertex 25", b"vertex " + huge),
        ),
        one_bad(
            "ply-huge-face-count",
            f"announces {huge.decode()}",
            "ply",
            swap(b"face 32", b"face " + huge),
        ),
        one_bad(
            "ply-count-of-40-digits", "announces 9", "ply", swap(b"vertex 25", b"vertex " + digits)
        ),
        one_bad("ply-huge-list", "cut off", "ply", of(long_list)),
        one_bad("ply-huge-count-of-empty-lists", "corners|cut off", "ply", of(uneven)),
        one_bad("ply-vertices-without-properties", "x, y and z|propert", "ply", of(point)),
        one_bad("ply-negative-count", "negative", "ply", swap(b"vertex 25", b"vertex -25")),
        one_bad(
            "ply-negative-list-length",
            "corners",
            "ply",
            lambda c: c.replace(b"list uchar int", b"list char int").replace(
                b"\x03\x00", b"\xfd\x00"
            ),
        ),
        one_bad("ply-word-as-count", "not of the PLY", "ply", swap(b"vertex 25", b"vertex many")),
        one_bad("ply-unknown-type", "not of the PLY", "ply", swap(b"double x", b"quad x")),
        one_bad("ply-unknown-format", "not of the PLY", "ply", swap(b"binary_little", b"zip")),
        one_bad("ply-no-format", "without a format", "ply", swap(b"format [^\n]*\n", b"")),
        one_bad(
            "ply-header-without-end", "header has no end", "ply", swap(b"end_header", b"the_end")
        ),
        one_bad("ply-header-of-300-kb", "header", "ply", swap(b"comment", many + b"comment")),
        one_bad(
            "ply-property-before-element",
            "not of the PLY",
            "ply",
            swap(b"element vertex", b"property int a\nelement vertex"),
        ),
        one_bad(
            "ply-two-properties-of-one-name",
            "twice|x, y and z",
            "ply",
            swap(b"double y", b"double x"),
        ),
        one_bad("ply-without-z", "without x, y and z", "ply", swap(b"double z", b"double w")),
        one_bad(
            "ply-float-list-length", "not of the PLY|whole", "ply", swap(b"uchar int", b"float int")
        ),
        one_bad("ply-float-indices", "whole", "ply", swap(b"uchar int", b"uchar float")),
        one_bad(
            "ply-wrong-byte-order",
            "NaN|larger|corners|vertex|one point|cut off",
            "ply",
            swap(b"binary_little", b"binary_big"),
        ),
        one_bad(
            "ply-text-declared-as-binary",
            "cut off|corners|NaN|vertex|larger",
            "text ply",
            swap(b"format ascii", b"format binary_little_endian"),
        ),
        one_bad(
            "ply-binary-declared-as-text",
            "cut off|damaged",
            "ply",
            swap(b"binary_little_endian", b"ascii"),
        ),
        one_bad(
            "ply-word-in-the-data",
            "does not fit its header",
            "text ply",
            swap(rb"\n255 3 ", b"\n255 x "),
        ),
        one_bad(
            "ply-index-of-40-digits",
            "vertex|fit its header",
            "text ply",
            swap(rb"255 3 0 ", b"255 3 " + digits + b" "),
        ),
        one_bad(
            "ply-list-length-of-40-digits",
            "cut off|fit its header",
            "text ply",
            swap(rb"255 3 ", b"255 " + digits + b" "),
        ),
        one_bad(
            "ply-negative-text-list-length",
            "corners|fit its header",
            "text ply",
            swap(rb"255 3 ", b"255 -3 "),
        ),
        one_bad("ply-is-an-obj", "start with the word ply", "ply", of(b"v 0 0 0\nf 1 1 1\n")),
        one_bad("ply-empty", "is empty", "ply", of(b"")),
        one_bad(
            "ply-crlf-binary-damage",
            "cut off|NaN|corners|vertex|larger|no end|damaged",
            "ply",
            lambda c: c.replace(b"\n", b"\r\n"),
        ),
    ]


def _stl_off() -> list[Case]:
    def count(number: int) -> Edit:
        return lambda c: c[:80] + struct.pack("<I", number) + c[84:]

    return [
        one_bad("stl-count-too-large", "announces 33", "stl", count(33)),
        one_bad("stl-count-too-small", "1 more triangles than the 31", "stl", count(31)),
        one_bad("stl-count-of-4-billion", "announces 4294967295", "stl", count(2**32 - 1)),
        one_bad("stl-count-zero", "has no (vertex|triangle)", "stl", lambda c: count(0)(c)[:84]),
        one_bad(
            "stl-text-then-binary", "cut off|damaged", "stl", lambda c: b"solid x\n" + c[8:200]
        ),
        one_bad(
            "stl-without-endsolid", "endsolid is missing", "text stl", swap(b"endsolid face", b"")
        ),
        one_bad(
            "stl-four-corners",
            "three corners",
            "text stl",
            swap(b"endloop", b"vertex 1 2 3\nendloop"),
        ),
        one_bad(
            "stl-word-as-coordinate",
            "three numbers",
            "text stl",
            swap(b"vertex [^\n]*", b"vertex 1 2 x"),
        ),
        one_bad("stl-empty", "is empty", "stl", of(b"")),
        one_bad("stl-shorter-than-its-header", "cut off", "stl", of(b"\1" * 60)),
        one_bad(
            "stl-degenerate",
            "one point",
            "text stl",
            lambda c: re.sub(rb"vertex [^\n]*", b"vertex 1 2 3", c),
        ),
        one_bad("off-more-vertices-announced", "cut off|OFF", "off", swap(b"25 32 0", b"26 32 0")),
        one_bad("off-more-faces-announced", "cut off", "off", swap(b"25 32 0", b"25 33 0")),
        one_bad("off-fewer-vertices-announced", "OFF|corner", "off", swap(b"25 32 0", b"24 32 0")),
        one_bad(
            "off-huge-counts",
            "announces 9999999999999",
            "off",
            swap(b"25 32 0", b"9999999999999 9999999999999 0"),
        ),
        one_bad("off-negative-counts", "negative|OFF", "off", swap(b"25 32 0", b"-25 32 0")),
        one_bad("off-counts-missing", "OFF|cut off", "off", of(b"OFF\n")),
        one_bad(
            "off-huge-polygon", "OFF format", "off", swap(rb"\n3 ", b"\n99999999999999999999 ")
        ),
        one_bad("off-negative-polygon", "corners|OFF", "off", swap(rb"\n3 ", b"\n-3 ")),
        one_bad(
            "off-index-of-40-digits",
            "vertex",
            "off",
            swap(rb"\n3 \d+ ", b"\n3 " + b"9" * 40 + b" "),
        ),
        one_bad("off-binary", "is a binary OFF", "off", of(b"OFF BINARY\n" + bytes(99))),
        one_bad("off-without-its-word", "starts with OFF", "off", swap(b"OFF", b"FFO")),
        one_bad("off-four-dimensions", "OFF", "off", swap(b"OFF", b"4OFF")),
        one_bad("off-empty", "is empty", "off", of(b"")),
    ]


def cases() -> list[Case]:
    """Return the cases."""
    return [*_obj(), *_ply(), *_stl_off()]
