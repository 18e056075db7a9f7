"""Hides the faces of a photo or of a folder of photos, without a server."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.app import App
from shared.config import Settings
from shared.core.deadline import Deadline
from shared.core.errors import FaceError, GroupNotFoundError
from shared.core.hiding import refusals
from shared.core.hiding.deidentify import deidentify_any
from shared.core.hiding.gallery import Gallery
from shared.core.hiding.hide_options import HideOptions

_KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP"}
_WIDEST = 10_000  # columns: nothing is folded where a program may read it

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo: the number of faces hidden, or the reason it could not be done."""

    path: Path
    faces: int = 0
    error: str = ""


def run(
    settings: Settings, source: Path, output: Path, options: HideOptions, *, tenant: str, jobs: int
) -> int:
    """Hide the faces of `source` into `output`; return 1 when a photo could not be done.

    `tenant` is whose groups the options mean.

    Raises:
        ProviderUnavailableError: the execution provider of the settings cannot be had.
        WeightsError: the detector's model is missing or is another one.

    """
    console = Console(stderr=True)
    try:
        pairs = _pairs(source, output)
    except ValueError as error:
        console.print(f"error: {error}", style="red", markup=False, emoji=False, soft_wrap=True)
        return 2
    jobs = min(jobs if jobs > 0 else len(os.sched_getaffinity(0)), len(pairs))
    if jobs > 1:  # one core a photo is faster than all cores on one photo after the other
        settings = replace(settings, vision_threads=1)
    app = App(settings)
    open_gallery = partial(app.open_gallery, tenant)
    _ = app.detector  # what hinders every photo is told once
    if options.people:
        try:
            open_gallery(options.people.group_id)
        except GroupNotFoundError as error:
            console.print(
                f"error: {tenant!r} has no group {str(error)!r}", style="red", markup=False
            )
            return 2
        except FaceError as error:
            reason = refusals.in_words(error)
            console.print(f"error: {reason}", style="red", markup=False, soft_wrap=True)
            return 1
    outcomes = []
    hide = partial(_one, app, open_gallery, options)
    pool = ThreadPoolExecutor(jobs)
    try:
        with _progress(console) as progress:
            bar = progress.add_task("hiding faces", total=len(pairs))
            for future in as_completed([pool.submit(hide, *pair) for pair in pairs]):
                outcomes.append(future.result())
                progress.advance(bar)
    finally:  # Ctrl-C waits for the photos under way, not for all
        pool.shutdown(cancel_futures=True)
    outcomes.sort(key=lambda outcome: outcome.path)
    _summarise(outcomes)
    return 1 if any(outcome.error for outcome in outcomes) else 0


def _one(
    app: App,
    open_gallery: Callable[[str], Gallery],
    options: HideOptions,
    source: Path,
    target: Path,
) -> Outcome:
    try:
        data = source.read_bytes()
        deadline = Deadline.after(app.settings.analysis_timeout_s)
        result = deidentify_any(
            app.codec, app.detector, app.redactor, open_gallery,
            data=data, options=options, deadline=deadline,
        )  # fmt: skip
        _write(target, result.file)
    except FaceError as error:
        return Outcome(source, error=refusals.in_words(error))
    except OSError as error:
        return Outcome(source, error=f"{error.strerror}: {error.filename or target}")
    except Exception as error:  # the other photos go on
        _logger.debug("unexpected error", exc_info=True)
        return Outcome(source, error=refusals.in_words(error))
    return Outcome(source, faces=sum(1 for face in result.faces if face.is_hidden))


def _write(target: Path, file: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    partial.write_bytes(file)
    partial.replace(target)


def _pairs(source: Path, output: Path) -> list[tuple[Path, Path]]:
    """Return each photo with the file that it becomes.

    Raises:
        ValueError: there is no photo, or a photo would be written over itself or another.

    """
    if source.is_dir():
        pairs = [(path, output / path.relative_to(source)) for path in _photos(source, output)]
    elif source.is_file():
        pairs = [(source, _target(source, output))]
    else:
        raise ValueError(f"{source} does not exist")
    if not pairs:
        raise ValueError(f"{source} holds no jpg, jpeg, png or bmp file")
    photos = {photo.resolve() for photo, _ in pairs}
    if any(target.resolve() in photos for _, target in pairs):
        raise ValueError(f"{output} would replace the photos themselves: name another folder")
    return pairs


def _target(photo: Path, output: Path) -> Path:
    """Return the file that one photo becomes: `output`, or one in it where it names a folder."""
    kind = _KINDS.get(output.suffix.lower())
    if kind is None or output.is_dir():
        return output / photo.name
    if kind != _KINDS.get(photo.suffix.lower(), kind):
        raise ValueError(f"{output} cannot be written: a photo stays of its kind, {photo.suffix}")
    return output


def _photos(folder: Path, output: Path) -> Iterator[Path]:
    """Yield the photos below a folder, leaving out what an earlier run wrote inside of it."""
    written = output.resolve()
    is_inside = folder.resolve() in written.parents
    for path in sorted(folder.rglob("*")):
        is_photo = path.is_file() and path.suffix.lower() in _KINDS
        if is_photo and not (is_inside and written in path.resolve().parents):
            yield path


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _printable(text: str) -> str:
    """Return a text that may hold a name of a file, which may be no UTF-8."""
    return os.fsencode(text).decode(errors="replace")


def _summarise(outcomes: list[Outcome]) -> None:
    table = Table("photo", "faces", "result")
    for outcome in outcomes:
        table.add_row(
            _printable(str(outcome.path)),
            "" if outcome.error else str(outcome.faces),
            _printable(outcome.error) or "done",
        )
    table.add_section()
    failed = sum(1 for outcome in outcomes if outcome.error)
    table.add_row(
        f"{len(outcomes)} photos", str(sum(o.faces for o in outcomes)), f"{failed} not done"
    )
    width = None if sys.stdout.isatty() else _WIDEST
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)
