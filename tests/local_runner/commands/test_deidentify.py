"""The command `deidentify`."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from harness import builders, photos
from harness.command_line import Finished, environment, run
from harness.processes import TIMEOUT_S, wait_for
from local_runner.commands import deidentify as command
from shared.app import App
from shared.config import ROOT
from shared.core.deadline import Deadline
from shared.core.hiding.hide_options import HideOptions
from shared.core.photos.models import Photo
from shared.core.photos.ports import ImageCodec
from shared.core.recognition import faces, groups
from shared.core.recognition.detection import ImageInput
from tests import image_files
from tests.local_runner.refusals import assert_refused

ASTRONAUT = photos.astronaut_jpeg()
COMMENT = b"taken at home"
FACELESS = image_files.with_jpeg_segments(
    image_files.save(image_files.photo().crop((0, 0, 20, 15)), "JPEG"),
    image_files.jpeg_segment(0xFE, COMMENT),
)


def deidentify(folder: Path, *words: str | Path, **environ: str) -> Finished:
    return run(folder, "deidentify", *words, **environ)


def write(path: Path, data: bytes = ASTRONAUT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def row(finished: Finished, name: str) -> list[str]:
    """Return the cells of the row of the summary whose first cell ends with a name."""
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in finished.stdout.splitlines()
    ]
    (found,) = [cells for cells in rows if cells and cells[0].endswith(name)]
    return found


def is_changed(data: bytes) -> bool:
    """Return whether the astronaut's face looks different, and the corner the same."""
    before, after = image_files.pillow(ASTRONAUT, "RGB"), image_files.pillow(data, "RGB")
    gap = abs(before.astype(int) - after.astype(int))
    return bool(gap[90:150, 190:250].mean() > 20 and gap[400:, 400:].mean() < 5)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos with and without faces, a broken photo, and files of other types."""
    folder = tmp_path_factory.mktemp("album") / "내 사진 [1] :car:"
    write(folder / "astronaut.jpg")
    write(folder / "여름 휴가" / "얼굴 사진.JPG")
    write(folder / "faceless.jpg", FACELESS)
    write(folder / "broken.jpg", ASTRONAUT[: len(ASTRONAUT) // 2])
    write(folder / "text.png", b"no image")
    write(folder / "notes.txt", b"notes")
    return folder


def test_hides_the_face_of_a_photo(tmp_path: Path) -> None:
    source, target = write(tmp_path / "a.jpg"), tmp_path / "new" / "b.jpg"
    finished = deidentify(tmp_path, source, "-o", target)
    assert finished.returncode == 0, finished.stderr
    assert is_changed(target.read_bytes())
    assert row(finished, "a.jpg")[1:] == ["1", "done"]
    assert "hiding faces" in finished.stderr
    assert "hiding faces" not in finished.stdout
    assert source.read_bytes() == ASTRONAUT


@pytest.mark.parametrize("is_there", [True, False])
def test_writes_a_photo_into_a_folder(tmp_path: Path, is_there: bool) -> None:
    source, folder = write(tmp_path / "a.jpg"), tmp_path / "out"
    if is_there:
        folder.mkdir()
    assert deidentify(tmp_path, source, "-o", f"{folder}/").returncode == 0
    assert list(files(folder)) == ["a.jpg"]


def test_processes_every_photo_of_a_folder_that_can_be_processed(
    tmp_path: Path, album: Path
) -> None:
    out = tmp_path / "숨긴 사진"
    finished = deidentify(tmp_path, album, "-o", out)
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    done = files(out)
    assert set(done) == {"astronaut.jpg", "여름 휴가/얼굴 사진.JPG", "faceless.jpg"}
    assert is_changed(done["astronaut.jpg"])
    assert is_changed(done["여름 휴가/얼굴 사진.JPG"])
    assert COMMENT in FACELESS
    assert COMMENT not in done["faceless.jpg"]
    assert row(finished, str(album / "astronaut.jpg"))[1:] == ["1", "done"]
    assert row(finished, "얼굴 사진.JPG")[1:] == ["1", "done"]
    assert row(finished, "faceless.jpg")[1:] == ["0", "done"]
    assert row(finished, "broken.jpg")[1:] == [
        "", "the JPEG ends before its end-of-image marker",
    ]  # fmt: skip
    assert row(finished, "text.png")[1:] == ["", "it is not a JPEG, PNG or BMP file"]
    assert row(finished, "5 photos")[1:] == ["2", "2 failed"]


def test_the_result_depends_neither_on_jobs_nor_on_an_earlier_run(
    tmp_path: Path, album: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    deidentify(tmp_path, album, "-o", one, "--jobs", "1")
    deidentify(tmp_path, album, "-o", two, "--jobs", "2")
    assert len(files(one)) == 3
    assert files(one) == files(two)
    deidentify(tmp_path, album, "-o", one, "--jobs", "2")
    assert files(one) == files(two)


def test_ignores_what_an_earlier_run_wrote_into_the_folder(tmp_path: Path) -> None:
    source = write(tmp_path / "in" / "a.jpg").parent
    for _ in range(2):
        finished = deidentify(tmp_path, source, "-o", source / "out")
        assert finished.returncode == 0
        assert row(finished, "1 photos")[1] == "1"
    assert set(files(source)) == {"a.jpg", "out/a.jpg"}


def test_the_options_change_what_is_hidden(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jpg")
    results = set()
    for number, words in enumerate(
        (["--method", "solid"], ["--method", "mosaic"], ["--draw"], ["--min-face", "500"])
    ):
        target = tmp_path / f"{number}.jpg"
        assert deidentify(tmp_path, source, "-o", target, *words).returncode == 0
        results.add(target.read_bytes())
        assert is_changed(target.read_bytes()) == ("--min-face" not in words)
    assert len(results) == 4


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--method", "erase"),
        ("--threshold", "1.5"),
        ("--threshold", "0"),
        ("--threshold", "1"),
        ("--threshold", "-0.1"),
        ("--threshold", "nan"),
        ("--threshold", "x"),
        ("--min-face", "-1"),
        ("--min-face", "x"),
        ("--jobs", "-1"),
        ("--keep", "Staff"),
        ("--only", "../x"),
    ],
)
def test_refuses_an_option_out_of_range(tmp_path: Path, option: str, value: str) -> None:
    source = write(tmp_path / "a.jpg")
    finished = deidentify(tmp_path, source, "-o", tmp_path / "b.jpg", f"{option}={value}")
    assert_refused(finished, 2, option, value)
    assert not (tmp_path / "b.jpg").exists()


@pytest.fixture(scope="module")
def enrolled(app: App, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose tenant `acme` has the astronaut in its group `crew`."""
    folder = tmp_path_factory.mktemp("enrolled")
    store = App(builders.settings(folder / "data"))
    group = groups.create(
        store.groups, store.sealer, tenant="acme", group_id="crew", model_version=app.model_version
    )
    faces.add(
        app.vision, store.faces, store.sealer, app.recognizers.get(app.model_version).embedder,
        group=group, image=ImageInput(ASTRONAUT), external_image_id=None, limit=1,
        deadline=Deadline.after(60),
    )  # fmt: skip
    return folder


@pytest.mark.parametrize(("option", "hidden"), [("--keep", 0), ("--only", 1)])
def test_keeps_the_people_of_a_group_or_hides_only_them(
    enrolled: Path, option: str, hidden: int
) -> None:
    source, target = write(enrolled / "a.jpg"), enrolled / f"{option}.jpg"
    finished = deidentify(enrolled, source, "-o", target, option, "crew", "--tenant", "acme")
    assert finished.returncode == 0, finished.stderr
    assert row(finished, "a.jpg")[1:] == [str(hidden), "done"]
    assert is_changed(target.read_bytes()) is (hidden == 1)


def test_reports_once_that_the_tenant_does_not_have_the_group(enrolled: Path) -> None:
    source = write(enrolled / "a.jpg")
    finished = deidentify(enrolled, source, "-o", enrolled / "none.jpg", "--keep", "crew")
    assert_refused(finished, 2, "'local' has no group 'crew'")
    assert not (enrolled / "none.jpg").exists()


def test_reports_once_that_the_model_of_the_group_is_missing(tmp_path: Path) -> None:
    store = App(builders.settings(tmp_path / "data"))
    groups.create(
        store.groups, store.sealer, tenant="acme", group_id="crew", model_version="of-old"
    )
    source = write(tmp_path / "a.jpg")
    words = ("--keep", "crew", "--tenant", "acme")
    finished = deidentify(tmp_path, source, "-o", tmp_path / "b.jpg", *words)
    assert_refused(finished, 1, "'of-old', which is not here: enrol anew")
    assert not (tmp_path / "b.jpg").exists()


def test_keep_and_only_exclude_each_other(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jpg")
    words = ("--keep", "crew", "--only", "crew")
    assert_refused(deidentify(tmp_path, source, "-o", tmp_path / "b.jpg", *words), 2, "--keep")


@pytest.mark.parametrize("out", ["in", "in/../in", "link"])
def test_refuses_to_write_over_a_folder_of_photos(tmp_path: Path, out: str) -> None:
    source = write(tmp_path / "in" / "a.jpg").parent
    (tmp_path / "link").symlink_to(source)
    finished = deidentify(tmp_path, source, "-o", tmp_path / out)
    assert_refused(finished, 2, "would overwrite the photos themselves")
    assert files(source) == {"a.jpg": ASTRONAUT}


def test_refuses_to_write_over_a_photo_below_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.jpg")
    write(tmp_path / "in" / "in" / "a.jpg")
    finished = deidentify(tmp_path, tmp_path / "in", "-o", tmp_path)
    assert_refused(finished, 2, "would overwrite the photos themselves")
    assert (tmp_path / "in" / "a.jpg").read_bytes() == ASTRONAUT


def test_refuses_to_write_over_a_photo(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jpg")
    for out in (source, tmp_path):
        finished = deidentify(tmp_path, source, "-o", out)
        assert_refused(finished, 2, "would overwrite the photos themselves")
    assert source.read_bytes() == ASTRONAUT


def test_refuses_to_change_the_format_of_a_photo(tmp_path: Path) -> None:
    finished = deidentify(tmp_path, write(tmp_path / "a.jpg"), "-o", tmp_path / "b.png")
    assert_refused(finished, 2, "b.png", ".jpg")


def test_refuses_a_folder_without_photos(tmp_path: Path) -> None:
    source = write(tmp_path / "in" / "notes.txt", b"notes").parent
    finished = deidentify(tmp_path, source, "-o", tmp_path / "out")
    assert_refused(finished, 2, str(source), "contains no jpg, jpeg, png or bmp file")


def test_refuses_a_missing_path(tmp_path: Path) -> None:
    finished = deidentify(tmp_path, tmp_path / "none", "-o", tmp_path / "out")
    assert_refused(finished, 2, str(tmp_path / "none"), "does not exist")


def test_reports_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    blocker = write(tmp_path / "file", b"a file, no folder")
    finished = deidentify(tmp_path, write(tmp_path / "a.jpg"), "-o", blocker / "out")
    assert_refused(finished, 1)
    assert row(finished, "a.jpg")[2].startswith("Not a directory: ")


def test_reports_an_output_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    name = os.fsdecode("가".encode("cp949"))
    blocker = write(tmp_path / name, b"a file, no folder")
    finished = deidentify(tmp_path, write(tmp_path / "a.jpg"), "-o", blocker / "out")
    assert_refused(finished, 1)
    assert row(finished, "a.jpg")[2].startswith("Not a directory: ")


class Fragile:
    """A codec that fails on one image, like a faulty library."""

    def __init__(self, codec: ImageCodec, bad: bytes) -> None:
        self._codec = codec
        self._bad = bad

    def decode(self, data: bytes) -> Photo:
        if data == self._bad:
            raise cv2.error(f"(-215:Assertion failed) {data[:20]!r}")
        return self._codec.decode(data)

    def encode(self, photo: Photo) -> bytes:
        return self._codec.encode(photo)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_unexpected_error_stops_only_its_photo(
    app: App,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    jobs: int,
) -> None:
    for name in ("a.jpg", "c.jpg", "d.jpg"):
        write(tmp_path / "in" / name)
    write(tmp_path / "in" / "b.jpg", FACELESS)
    fragile = builders.app_with(
        app.settings,
        codec=Fragile(app.codec, FACELESS),
        detector=app.detector,
        redactor=app.redactor,
    )
    monkeypatch.setattr(command, "App", lambda _settings: fragile)
    caplog.set_level(logging.INFO)
    output = tmp_path / "out"
    pairs = [(tmp_path / "in" / f"{name}.jpg", output / f"{name}.jpg") for name in "abcd"]
    outcomes = command.hide_all(app.settings, pairs, HideOptions(), tenant="local", jobs=jobs)
    assert set(files(output)) == {"a.jpg", "c.jpg", "d.jpg"}
    assert [outcome.error for outcome in outcomes] == ["", "it failed unexpectedly: error", "", ""]
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err + caplog.text


def test_reports_a_setting_that_a_photo_exceeds(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jpg")
    finished = deidentify(tmp_path, source, "-o", tmp_path / "out", MAX_PIXELS="1000")
    assert_refused(finished, 1)
    assert row(finished, "a.jpg")[2] == "it has more pixels than MAX_PIXELS"
    finished = deidentify(tmp_path, source, "-o", tmp_path / "out", ANALYSIS_TIMEOUT_S="1e-6")
    assert row(finished, "a.jpg")[2] == "it took longer than ANALYSIS_TIMEOUT_S"


def test_reports_once_that_the_models_are_missing(tmp_path: Path, album: Path) -> None:
    finished = deidentify(tmp_path, album, "-o", tmp_path / "out", MODELS_DIR=str(tmp_path))
    assert_refused(finished, 1, str(tmp_path))
    assert finished.stderr.count("run `make models`") == 1


def test_accepts_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    name = os.fsdecode("가.jpg".encode("cp949"))
    source = write(tmp_path / "in" / name).parent
    finished = deidentify(tmp_path, source, "-o", tmp_path / "out")
    assert finished.returncode == 0, finished.stderr
    assert list(files(tmp_path / "out")) == [name]


def test_an_interrupt_waits_only_for_the_photos_in_progress(tmp_path: Path) -> None:
    for number in range(200):
        write(tmp_path / "in" / f"{number}.jpg")
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-m", "local_runner", "deidentify", tmp_path / "in", "-o", out],
        cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    ) as process:  # fmt: skip
        wait_for(out.exists)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert 0 < len(files(out)) < 200
