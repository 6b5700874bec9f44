"""Trail files: one key a line or Maltrail's columns, compressed or not, errors in one line."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.model import Source, Trail
from agent.trails.build import Builder
from agent.trails.files import CUSTOM, TrailFileError, add_all, find, read
from agent.trails.set import TrailSet


def write(path: Path, text: str) -> Path:
    """Write a text file."""
    path.write_text(text, encoding="utf-8")
    return path


def test_a_text_file_has_one_key_a_line(tmp_path: Path) -> None:
    """Blank lines and comments are no keys; info is the file's name, reference (custom)."""
    path = write(
        tmp_path / "my_own_list.txt",
        "# a comment\n\nevil.org\n  198.51.100.7  \n/bad.php # seen in May\nevil.net\t# tab\n",
    )

    found = list(read(path))

    assert [trail.key for trail in found] == ["evil.org", "198.51.100.7", "/bad.php", "evil.net"]
    assert found[0] == Trail(
        key="evil.org", info="my own list", reference=CUSTOM, source=Source("my own list")
    )


def test_a_hash_inside_a_key_is_no_comment(tmp_path: Path) -> None:
    """Only at the start or behind a blank: User-Agents and patterns hold others."""
    path = write(tmp_path / "a.txt", "ua:Evil#1\nre:a[#]b\n")

    assert [trail.key for trail in read(path)] == ["ua:Evil#1", "re:a[#]b"]


def test_a_table_has_trail_info_and_reference(tmp_path: Path) -> None:
    """Maltrail's rows and quoting; what is missing comes from the file's name."""
    path = write(
        tmp_path / "hunt.csv",
        '# comment\nevil.org,evil (malware),(static)\n"/a,b",quoted info,x\nevil.net\n'
        'evil.com,,\n\n10.0.0.1,"a ""b""",(mine)\r\n',
    )

    rows = [(trail.key, trail.info, trail.reference) for trail in read(path)]

    assert rows == [
        ("evil.org", "evil (malware)", "(static)"),
        ("/a,b", "quoted info", "x"),
        ("evil.net", "hunt", CUSTOM),
        ("evil.com", "hunt", CUSTOM),
        ("10.0.0.1", 'a "b"', "(mine)"),
    ]
    assert {trail.dialect for trail in read(path)} == {"maltrail"}


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)]
)
@pytest.mark.parametrize("kind", ["txt", "csv"])
def test_compressed_files_read_the_same(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes], kind: str
) -> None:
    """The suffix in front of the compression says what is inside; both stay out of the info."""
    path = tmp_path / f"some_list.{kind}{suffix}"
    path.write_bytes(pack(b"evil.org\nevil.net\n"))

    assert [(trail.key, trail.info) for trail in read(path)] == [
        ("evil.org", "some list"),
        ("evil.net", "some list"),
    ]


def test_a_folder_gives_its_lists_by_name(tmp_path: Path) -> None:
    """Other files are no lists; a folder that is missing or empty has none."""
    for name in ("b.csv", "a.txt", "c.txt.gz", "notes.md", "old.txt.bak", "d.set"):
        (tmp_path / name).touch()

    assert [path.name for path in find(tmp_path)] == ["a.txt", "b.csv", "c.txt.gz"]
    assert find(tmp_path / "none") == []
    assert find(tmp_path / "notes.md") == [tmp_path / "notes.md"]


def test_line_ends_and_marks_of_other_systems_do_not_matter(tmp_path: Path) -> None:
    """Files come from Windows too, with a byte order mark and CR LF."""
    for name in ("a.txt", "a.csv"):
        path = tmp_path / name
        path.write_bytes(b"\xef\xbb\xbfevil.org\r\nevil.net\r\n")

        assert [trail.key for trail in read(path)] == ["evil.org", "evil.net"], name


def test_bytes_that_are_no_text_do_not_stop_a_file(tmp_path: Path) -> None:
    """They become escapes, so that the row is refused or kept by itself."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"evil.org\n\xff\xfe\x00.org\nevil.net\n")

    assert [trail.key for trail in read(path)][::2] == ["evil.org", "evil.net"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.txt.gz", b"no gzip"),
        ("torn.txt.gz", gzip.compress(b"evil.org\n" * 1000, mtime=0)[:-20]),
        ("broken.csv.xz", b"no xz"),
        ("torn.txt.xz", lzma.compress(b"evil.org\n" * 1000)[:-20]),
        ("damaged.txt.gz", gzip.compress(bytes(range(256)) * 40, mtime=0)[:40] + b"\xff" * 40),
        ("huge.csv", b'"' + b"x" * 200_000),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    """The line names the file and what is wrong."""
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(TrailFileError) as error:
        list(read(path))

    assert str(error.value).startswith(f"{path}: cannot be read as a trail file: ")
    assert "\n" not in str(error.value)


def test_a_folder_named_like_a_list_is_told_in_one_line(tmp_path: Path) -> None:
    """The system's word for it, without a number."""
    (tmp_path / "odd.txt").mkdir()

    with pytest.raises(TrailFileError, match=r"odd\.txt: cannot .*: Is a directory$"):
        add_all(Builder(0), find(tmp_path))


def test_rows_that_can_never_match_are_counted(tmp_path: Path) -> None:
    """By the builder, with their reasons."""
    builder = Builder(0)

    add_all(builder, [write(tmp_path / "a.txt", "evil.org\nnot a name\n300.1.1.1\n")])
    inert = TrailSet(builder.to_bytes(), "test").info.inert

    assert sum(refused.count for refused in inert.values()) == 2
    assert builder.count == 1


def test_a_later_row_of_a_key_replaces_the_earlier(tmp_path: Path) -> None:
    """Rule T-2, over files too."""
    files = [
        write(tmp_path / "a.csv", "evil.org,first,x\n"),
        write(tmp_path / "b.csv", "evil.org,second,y\n"),
    ]
    builder = Builder(0)

    add_all(builder, files)

    assert builder.count == 1
