"""Hides the faces of a photo or of a folder of photos, without a server."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.app import App
from shared.config import Settings
from shared.core.deadline import Deadline
from shared.core.deidentify import HideOptions, deidentify
from shared.core.errors import FaceError, NoFaceError

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo: the number of faces hidden, or the reason it could not be done."""

    path: Path
    faces: int = 0
    error: str = ""


def run(settings: Settings, source: Path, output: Path, options: HideOptions, jobs: int) -> int:
    """Hide the faces of `source` into `output`; return 1 when a photo could not be done."""
    console = Console(stderr=True)
    try:
        pairs = _pairs(source, output)
    except ValueError as error:
        console.print(f"error: {error}", style="red", markup=False)
        return 2
    jobs = min(jobs if jobs > 0 else len(os.sched_getaffinity(0)), len(pairs))
    if jobs > 1:  # one core a photo is faster than all cores on one photo after the other
        settings = replace(settings, vision_threads=1)
    app = App(settings)
    outcomes = []
    with _progress(console) as progress, ThreadPoolExecutor(jobs) as pool:
        bar = progress.add_task("hiding faces", total=len(pairs))
        for future in as_completed([pool.submit(_one, app, *pair, options) for pair in pairs]):
            outcomes.append(future.result())
            progress.advance(bar)
    outcomes.sort(key=lambda outcome: outcome.path)
    _summarise(outcomes)
    return 1 if any(outcome.error for outcome in outcomes) else 0


def _one(app: App, source: Path, target: Path, options: HideOptions) -> Outcome:
    try:
        data = source.read_bytes()
        deadline = Deadline.after(app.settings.analysis_timeout_s)
        try:
            result = deidentify(
                app.images, app.detector, app.masker, data=data, options=options, deadline=deadline
            )
            file, faces = result.file, len(result.faces)
        except NoFaceError:  # nothing to hide, but the metadata goes all the same
            file, faces = app.images.encode(app.images.decode(data)), 0
        _write(target, file)
    except FaceError as error:
        return Outcome(source, error=str(error) or type(error).__doc__ or type(error).__name__)
    except OSError as error:
        return Outcome(source, error=str(error))
    return Outcome(source, faces=faces)


def _write(target: Path, file: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    partial.write_bytes(file)
    partial.replace(target)


def _pairs(source: Path, output: Path) -> list[tuple[Path, Path]]:
    """Return each photo with the file that it becomes.

    Raises:
        ValueError: there is no photo, or a photo would be written over itself.

    """
    if source.is_dir():
        pairs = [(path, output / path.relative_to(source)) for path in _photos(source, output)]
    elif source.is_file():
        pairs = [(source, output / source.name if output.is_dir() else output)]
    else:
        raise ValueError(f"{source} does not exist")
    if not pairs:
        raise ValueError(f"{source} holds no jpg, jpeg, png or bmp file")
    if any(photo.resolve() == target.resolve() for photo, target in pairs):
        raise ValueError(f"{output} would replace the photos themselves: name another folder")
    return pairs


def _photos(folder: Path, output: Path) -> Iterator[Path]:
    """Yield the photos below a folder, leaving out what an earlier run wrote inside of it."""
    written = output.resolve()
    for path in sorted(folder.rglob("*")):
        is_photo = path.is_file() and path.suffix.lower() in _SUFFIXES
        if is_photo and (written == folder.resolve() or written not in path.resolve().parents):
            yield path


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _summarise(outcomes: list[Outcome]) -> None:
    table = Table("photo", "faces", "result")
    for outcome in outcomes:
        table.add_row(
            str(outcome.path),
            "" if outcome.error else str(outcome.faces),
            outcome.error or "done",
        )
    table.add_section()
    failed = sum(1 for outcome in outcomes if outcome.error)
    table.add_row(
        f"{len(outcomes)} photos", str(sum(o.faces for o in outcomes)), f"{failed} not done"
    )
    Console(file=sys.stdout).print(table, markup=False)
