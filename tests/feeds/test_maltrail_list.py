"""Maltrail's lists: line forms, labels from file names, order, and hostile archives."""

import io
import tarfile
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.maltrail import static_key
from tests.feeds.parsing import keys, parse

PAGE = b"evil.example.org,x (malware),(static)\n1.2.3.4:80,y (malware),(static)\n"

FILES = {
    "maltrail-8adace1/trails/static/malware/apt_x.txt": "# Reference: https://r.example/\n\na.example.org\nb.example.org\n",
    "maltrail-8adace1/trails/static/mass_scanner.txt": "198.51.100.7  # scan.example.net\n",
    "maltrail-8adace1/trails/static/suspicious/bad_history.txt": "a.example.org\n",
    "maltrail-8adace1/trails/static/malicious/z.txt": "z.example.org\n",
    "maltrail-8adace1/trails/custom/own.txt": "custom.example.org\n",
    "maltrail-8adace1/README.md": "readme.example.org\n",
}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("  # comment", ""),
        ("", ""),
        ("mikus.ddns.example", "mikus.ddns.example"),
        (".xyz", "xyz"),
        ("185.142.236.226", "185.142.236.226"),
        ("213.152.161.99:47390", "213.152.161.99:47390"),
        ("2400:6180:0:d0::1008:2001", "2400:6180:0:d0::1008:2001"),
        ("[2a12:bec4:1460:50::2]:3478", "[2a12:bec4:1460:50::2]:3478"),
        ("http://37.238.135.70", "37.238.135.70/"),
        ("http://h.example/a/b/", "h.example/a/b"),
        ("h.example/", "h.example/"),
        ("/gate.php", "/gate.php"),
        ("/log.php?x=", "/log.php?x="),
        ("h.example/a?b=c", "h.example/a"),
        ("h.example//a", "h.example/a"),
        ("5.63.151.0/24", "5.63.151.0/24"),
        ("198.51.100.7  # scan.example.net", "198.51.100.7"),
        ("198.51.100.7# no blank", "198.51.100.7"),
        ("h.example/a#fragment", "h.example/a"),
        (r"colou?rs?[0-9]{1,2}\.(com|net)", r"colou?rs?[0-9]{1,2}\.(com|net)"),
        (r"^[a-z]{1,3}\-shop\.(com|me)$", r"^[a-z]{1,3}\-shop\.(com|me)$"),
    ],
)
def test_line_form_becomes_key(line: str, key: str) -> None:
    """Each documented form is read; a `?` in a pattern is no query, `#` in a URL no comment."""
    assert key == static_key(line)


def test_fragment_of_a_shared_host_does_not_list_the_host() -> None:
    """A page told apart by its fragment alone cannot be matched: rejected, not widened."""
    trails, rejected = parse("maltrail", b"webhook.example/#!/view/1\n", form="list")

    assert trails == []
    assert rejected.total() == 1


@pytest.mark.parametrize("pack", ["tar", "zip"])
def test_archive_is_read_in_order_of_precedence(pack: str) -> None:
    """History comes first and malware last, whatever the archive's order; other files are left."""
    page = _tar(FILES) if pack == "tar" else _zip(FILES)

    trails, rejected = parse("maltrail", page)

    assert [(trail.key, trail.info) for trail in trails] == [
        ("a.example.org", "bad history (suspicious)"),
        ("z.example.org", "z (malicious)"),
        ("198.51.100.7", "mass scanner"),
        ("a.example.org", "apt x (malware)"),
        ("b.example.org", "apt x (malware)"),
    ]
    assert {"maltrail"} == {trail.dialect for trail in trails}
    assert not rejected


def test_archive_gives_the_same_whatever_its_order() -> None:
    """Labels do not depend on the order in which an archiver found the files."""
    backwards = dict(reversed(FILES.items()))

    assert keys("maltrail", _tar(FILES)) == keys("maltrail", _tar(backwards))


def test_files_can_be_chosen_by_name() -> None:
    """`only` and `without` pick list files."""
    assert keys("maltrail", _tar(FILES), only=("z",)) == ["z.example.org"]
    assert "z.example.org" not in keys("maltrail", _tar(FILES), without=("z",))


def test_csv_keeps_labels_and_commas() -> None:
    """The merged file's own labels stand; a quoted pattern keeps its comma."""
    page = b'"0ba[0-9]{8,15}\\.win",woof (malicious),(static)\r\none,two\r\n'

    trails, rejected = parse("maltrail", page)

    assert [(trail.key, trail.info, trail.reference) for trail in trails] == [
        (r"0ba[0-9]{8,15}\.win", "woof (malicious)", "(static)")
    ]
    assert rejected == {"not three columns": 1}


def test_html_in_a_list_file_is_rejected() -> None:
    """Markup in place of a list becomes no trail."""
    trails, rejected = parse("maltrail", b"<h1>502</h1>\n<p>a.b</p>\n", form="list")

    assert trails == []
    assert rejected.total() == 2


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 6000), value=st.integers(0, 255), pack=st.sampled_from([0, 1]))
def test_damaged_archive_raises_value_error_only(at: int, value: int, pack: int) -> None:
    """A changed byte in an archive gives rows or ValueError, never another error."""
    page = bytearray((_tar, _zip)[pack](FILES))
    page[at % len(page)] = value

    try:
        parse("maltrail", bytes(page), form="archive")
    except ValueError:
        return


@pytest.mark.parametrize("pack", [0, 1])
def test_cut_archive_raises_value_error_only(pack: int) -> None:
    """An archive that breaks off gives rows or ValueError, never another error."""
    page = (_tar, _zip)[pack](FILES)

    for end in range(0, len(page), 97):
        try:
            parse("maltrail", page[:end], form="archive")
        except ValueError:
            continue


@given(st.text(max_size=200))
def test_any_line_gives_a_key_or_value_error(line: str) -> None:
    """No line of text raises anything but ValueError, and no key holds blanks."""
    try:
        key = static_key(line)
    except ValueError:
        return
    assert " " not in key


def _tar(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def _zip(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()
