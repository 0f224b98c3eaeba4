"""The report page."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lwpipe.core.errors import LwpipeError
from lwpipe.report import Figure, Section, Table, versions, write_report

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Checks that elements nest, and collects attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def sections(tmp_path: Path) -> list[Section]:
    picture = np.zeros((30, 600, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "wide.png")
    frames = [Image.fromarray(np.full((20, 20, 3), v, np.uint8)) for v in (0, 255)]
    frames[0].save(tmp_path / "move.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "t.csv").write_text('name,value,empty\n<b>a</b>,1.5,\n"x,y",-2e-3,\n')
    return [
        Section(
            "First & <foremost>",
            "One <script>alert(1)</script> paragraph.\n\nAnother.",
            figures=[
                Figure(tmp_path / "wide.png", 'A "wide" <picture>'),
                Figure(tmp_path / "move.gif", "A & B"),
                Figure(tmp_path / "move.gif", "again"),
            ],
            tables=[Table(tmp_path / "t.csv", "Numbers > words")],
        ),
        Section(
            "Settings", "", facts={"data": {"seed": 3, "align": None}, "list": [4, 4], "on": True}
        ),
    ]  # fmt: skip


def test_page_is_well_formed_escaped_and_self_contained(tmp_path, sections):
    write_report(tmp_path / "out" / "report.html", "Run <1> & more", sections)
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n")
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.elements}
    assert "<script" not in text
    assert "Run <1> & more" in page.words
    assert "First & <foremost>" in page.words
    assert "One <script>alert(1)</script> paragraph." in page.words
    assert "<b>a</b>" in page.words
    assert [a["alt"] for a in page.all("img")] == ['A "wide" <picture>', "A & B", "again"]
    assert all(a["src"].startswith("data:image/") for a in page.all("img"))
    assert not re.search(r"https?://|@import|url\(", text)
    identifiers = [a["id"] for _, a in page.elements if "id" in a]
    assert len(set(identifiers)) == len(identifiers)
    assert [a["href"].removeprefix("#") for a in page.all("a")] == identifiers
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )


def test_pictures_are_embedded_whole_with_their_size(tmp_path, sections):
    write_report(tmp_path / "report.html", "t", sections)
    page = Page((tmp_path / "report.html").read_text())
    wide, gif, _ = page.all("img")
    assert base64.b64decode(wide["src"].split(",")[1]) == (tmp_path / "wide.png").read_bytes()
    assert gif["src"].startswith("data:image/gif;base64,")
    assert (wide["width"], wide["height"]) == ("600", "30")
    # The two small ones share a line.
    assert [a["class"] for a in page.all("div")].count("small") == 1


def test_wide_pictures_scroll(tmp_path):
    Image.fromarray(np.zeros((3, 1200, 3), np.uint8)).save(tmp_path / "wide.png")
    figure = Figure(tmp_path / "wide.png", "<wide>")
    write_report(tmp_path / "r.html", "t", [Section("s", "", [figure])])
    page = Page((tmp_path / "r.html").read_text())
    assert page.all("div")[0]["class"] == "scroll wide"
    assert page.all("div")[0]["aria-label"] == "<wide>"


def test_film(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"film")
    write_report(tmp_path / "r.html", "t", [Section("s", "", [Figure(tmp_path / "a.mp4", "c")])])
    (video,) = Page((tmp_path / "r.html").read_text()).all("video")
    assert video["src"] == "data:video/mp4;base64," + base64.b64encode(b"film").decode()


def test_numbers_stand_on_the_right(tmp_path, sections):
    write_report(tmp_path / "report.html", "t", sections)
    text = (tmp_path / "report.html").read_text()
    assert '<th scope="col">name</th><th scope="col" class="number">value</th>' in text
    assert '<td>x,y</td><td class="number">-2e-3</td><td></td>' in text


def test_facts_are_flattened_and_versions_added(tmp_path, sections):
    write_report(tmp_path / "report.html", "t", sections)
    text = (tmp_path / "report.html").read_text()
    for key, value in (
        ("data.seed", "3"),
        ("data.align", "null"),
        ("list", "4, 4"),
        ("on", "true"),
    ):
        assert f'<th scope="row">{key}</th><td>{value}</td>' in text
    assert set(versions()) >= {"python", "lwpipe", "numpy", "torch", "vtk"}
    assert f"<td>{versions()['numpy']}</td>" in text


def test_same_bytes_again(tmp_path, sections):
    write_report(tmp_path / "a.html", "t", sections)
    write_report(tmp_path / "b.html", "t", sections)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("missing.png", None, "cannot be read"),
        ("bad.png", b"not a picture", "is not a picture"),
        ("film.avi", b"x", "is not a PNG"),
        ("missing.csv", None, "cannot be read"),
        ("empty.csv", b"", "is empty"),
        ("uneven.csv", b"a,b\n1,2\n3\n", "line 3"),
        ("latin.csv", b"a\n\xff\xfe\n", "is not a CSV"),
    ],
)
def test_bad_files_are_named_and_nothing_is_written(tmp_path, name, content, fault):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    section = (
        Section("s", "", tables=[Table(path, "c")])
        if name.endswith(".csv")
        else Section("s", "", figures=[Figure(path, "c")])
    )
    with pytest.raises(LwpipeError, match=fault) as caught:
        write_report(tmp_path / "r.html", "t", [section])
    assert str(path) in str(caught.value)
    assert not (tmp_path / "r.html").exists()
