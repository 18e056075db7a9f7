"""Reading uploaded forms, also those that were made to do harm."""

import subprocess
import sys

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from shared.config import ROOT
from shared.core.errors import InvalidParameterError
from shared.http.multipart import Form, parse

TYPE = "multipart/form-data; boundary=x"
FILE = bytes(range(256)) * 9 + b"\r\n--y\r\n--\r\n\0\0"


def part(disposition: str, content: bytes = b"v", *more_headers: str) -> bytes:
    headers = [f"Content-Disposition: form-data; {disposition}", *more_headers]
    return b"--x\r\n" + "\r\n".join(headers).encode() + b"\r\n\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--x--\r\n"


def assert_refused(content: bytes, content_type: str = TYPE) -> None:
    with pytest.raises(InvalidParameterError):
        parse(content, content_type)


def test_reads_texts_and_files() -> None:
    content = body(
        part('name="company"', b"withmind"),
        part('name="age"', b""),
        part('name="image"; filename="test_img.jpg"', FILE, "Content-Type: image/jpeg"),
    )
    assert parse(content, TYPE) == Form({"company": "withmind", "age": ""}, {"image": FILE})


def test_reads_what_a_real_client_sends() -> None:
    request = requests.Request(
        "POST",
        "http://localhost/",
        data={"company": "withmind", "name": "한글"},
        files={"image": ("사진.jpg", FILE, "image/jpeg")},
    ).prepare()
    assert isinstance(request.body, bytes)
    form = parse(request.body, str(request.headers["Content-Type"]))
    assert form == Form({"company": "withmind", "name": "한글"}, {"image": FILE})


def test_an_empty_form_has_no_parts() -> None:
    assert parse(b"--x--\r\n", TYPE) == Form()


@pytest.mark.parametrize(
    "content_type",
    [
        'Multipart/Form-Data; Boundary="x"',
        "multipart/form-data;boundary=x",
        "multipart/form-data; charset=UTF-8; boundary=x",
        "multipart/form-data; boundary=x; charset=utf-8",
    ],
)
def test_the_content_type_may_be_written_in_many_ways(content_type: str) -> None:
    assert parse(body(part('name="a"')), content_type).texts == {"a": "v"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=y",
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/mixed; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data; boundary=" + '"\\' * 30_000,
        "multipart/form-data" + "; a=b" * 10_000,
    ],
)
def test_refuses_a_content_type_without_the_boundary(content_type: str) -> None:
    assert_refused(body(part('name="a"')), content_type)


@pytest.mark.parametrize(
    ("disposition", "is_file"),
    [
        ('name="a"; filename="x.jpg"', True),
        ("name=a; filename=x.jpg", True),
        ('name="a"; filename="../../etc/passwd"', True),
        ('name="a"; filename="C:\\\\x.jpg"', True),
        ("name=\"a\"; filename*=UTF-8''%EC%82%AC.jpg", True),
        ('name="a"; filename=""', False),
        ('name="a"', False),
    ],
)
def test_a_part_with_a_file_name_is_a_file(disposition: str, is_file: bool) -> None:
    form = parse(body(part(disposition)), TYPE)
    assert form == (Form(files={"a": b"v"}) if is_file else Form(texts={"a": "v"}))


def test_a_nested_form_is_bytes_like_any_other() -> None:
    inner = b"--y\r\nContent-Disposition: file; filename=a\r\n\r\nz\r\n--y--\r\n"
    content = body(
        part('name="image"; filename="a"', inner, "Content-Type: multipart/mixed; boundary=y")
    )
    assert parse(content, TYPE).files == {"image": inner}


def test_an_epilogue_is_left_alone() -> None:
    assert parse(body(part('name="a"')) + b"the end\r\n", TYPE).texts == {"a": "v"}


WHOLE = body(part('name="a"'), part('name="image"; filename="f"', FILE))


@pytest.mark.parametrize("length", [0, 1, 4, 30, 60, 200, len(WHOLE) - 6, len(WHOLE) - 3])
def test_refuses_a_form_that_ends_too_early(length: int) -> None:
    assert_refused(WHOLE[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1000,
        b"company=a&id=b",
        body(part('name="a"')).replace(b"\r\n", b"\n"),
        body(part('name="a"')).replace(b"\r\n", b"\r"),
        body(part('name="a"')).replace(b"--x\r\n", b"--x \r\n"),
        b"junk" + body(part('name="a"')),
        body(b"--x\r\n\r\nv\r\n"),
        body(b"--x\r\nContent-Type: text/plain\r\n\r\nv\r\n"),
        body(b"--x\r\nContent-Disposition: attachment; name=a\r\n\r\nv\r\n"),
        body(part('filename="f"')),
        body(part('name="a"', b"v", " folded: line")),
        body(part('name="a"', b"v", "no colon")),
        body(part('name="a"', b"v", "Content-Length: 7")),
        body(part('name="a"', b"\xff\xfe")),
        body(part('name="a"').replace(b'"a"', b'"\xff"')),
    ],
)
def test_refuses_a_body_that_is_not_a_form(content: bytes) -> None:
    assert_refused(content)


@pytest.mark.parametrize("disposition", ['name="a"', 'name="a"; filename="f"'])
def test_refuses_a_name_that_is_given_twice(disposition: str) -> None:
    assert_refused(body(part('name="a"'), part('name="b"'), part(disposition)))


def test_refuses_too_many_parts() -> None:
    parts = [part(f'name="{number}"') for number in range(10_000)]
    assert len(parse(body(*parts[:32]), TYPE).texts) == 32
    assert_refused(body(*parts[:33]))
    assert_refused(body(*parts))


def test_refuses_long_headers_and_many_of_them() -> None:
    assert_refused(body(part('name="a"', b"v", "X-A: " + "b" * 5000)))
    assert_refused(body(part(f'name="{"a" * 5000}"')))
    assert_refused(body(part('name="a"', b"v", *(f"X-{n}: b" for n in range(20)))))
    assert_refused(b"--x\r\n" + b"a" * 5_000_000)


def test_refuses_a_long_text_but_accepts_a_long_file() -> None:
    assert parse(body(part('name="a"', b"v" * 4096)), TYPE).texts == {"a": "v" * 4096}
    assert_refused(body(part('name="a"', b"v" * 4097)))
    assert parse(body(part('name="a"; filename="f"', b"v" * 4097)), TYPE).files


@pytest.mark.integration
def test_does_not_open_a_file() -> None:
    code = """
import sys
from shared.http.multipart import parse
from tests.shared.http.test_multipart import TYPE, body, part
large = body(part('name="a"; filename="f"', bytes(5_000_000)))
opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments) if event == "open" else None)
assert len(parse(large, TYPE).files["a"]) == 5_000_000
assert not opened, opened
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.integers(0, 50))
def test_any_bytes_are_a_form_or_refused(noise: bytes, place: int, removed: int) -> None:
    try:
        form = parse(WHOLE[:place] + noise + WHOLE[place + removed :], TYPE)
    except InvalidParameterError:
        return
    assert len(form.texts) + len(form.files) <= 32
