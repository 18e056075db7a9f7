"""`deidentify`: hide the faces in a photo, or in a folder of photos, without a server."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from local_runner.commands import Arguments, CommandError, Subparsers, UsageError, loading_models
from local_runner.commands.option_types import fraction, non_negative_integer
from local_runner.local_key import TENANT
from shared.app import App
from shared.config import Settings
from shared.core.deadline import Deadline
from shared.core.errors import FaceError, GroupNotFoundError, InvalidParameterError
from shared.core.hiding import refusals, selection
from shared.core.hiding.deidentify import deidentify
from shared.core.hiding.gallery import Gallery
from shared.core.hiding.hide_options import HideOptions
from shared.core.hiding.ports import HideMethod
from shared.core.hiding.selection import Mode, Selection

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP"}
_PIPE_WIDTH = 10_000  # columns: a program that reads the table gets whole lines

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one photo: the number of hidden faces, or the reason of its failure."""

    path: Path
    faces: int = 0
    error: str = ""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("deidentify", help="hide the faces in photos, without a server")
    parser.add_argument("source", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT",
        help="the file to write, or the folder to write into",
    )  # fmt: skip
    parser.add_argument(
        "--method", choices=list(map(str, HideMethod)), default=HideMethod.VEIL,
        help="how faces are hidden (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--min-face", type=non_negative_integer, default=0, metavar="PIXELS",
        help="leave faces alone whose shorter side is less (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=fraction, metavar="0..1",
        help="minimum confidence of a face (default: the detector's own)",
    )  # fmt: skip
    parser.add_argument("--draw", action="store_true", help="draw a rectangle around each face")
    people = parser.add_mutually_exclusive_group()
    people.add_argument(
        "--keep", dest="people", type=partial(_people, Mode.KEEP), metavar="GROUP",
        help="hide everyone except the people of this group (default: hide everyone)",
    )  # fmt: skip
    people.add_argument(
        "--only", dest="people", type=partial(_people, Mode.ONLY), metavar="GROUP",
        help="hide only the people of this group",
    )  # fmt: skip
    parser.add_argument(
        "--tenant", default=TENANT, help="tenant of the group (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=non_negative_integer, default=0, metavar="N",
        help="photos to process at once; 0 for one per core (default: %(default)s)",
    )  # fmt: skip
    parser.set_defaults(command=_deidentify)


def _people(mode: Mode, group_id: str) -> Selection:
    try:
        return selection.parse(mode, {"group": group_id})
    except InvalidParameterError as error:
        raise argparse.ArgumentTypeError(f"{group_id!r} {error.reason}") from None


def _deidentify(arguments: Arguments) -> None:
    options = HideOptions(
        method=HideMethod(arguments.method),
        min_face=arguments.min_face,
        threshold=arguments.threshold,
        draw=arguments.draw,
        people=arguments.people,
    )
    pairs = _pairs(arguments.source, arguments.output)
    outcomes = hide_all(
        arguments.settings, pairs, options, tenant=arguments.tenant, jobs=arguments.jobs
    )
    _print_summary(outcomes)
    if failed := sum(1 for outcome in outcomes if outcome.error):
        raise CommandError(f"{failed} of {len(outcomes)} photos could not be processed")


@loading_models()
def hide_all(
    settings: Settings,
    pairs: Sequence[tuple[Path, Path]],
    options: HideOptions,
    *,
    tenant: str,
    jobs: int,
) -> list[Outcome]:
    """Hide the faces of photos; return the outcomes, ordered by path.

    Args:
        settings: where the models and the groups are.
        pairs: each photo with the file to write.
        options: what to hide and how.
        tenant: the tenant of the group in `options`.
        jobs: how many photos to process at once; 0 for one per core.

    Raises:
        UsageError: the tenant does not have the group.
        CommandError: no photo can be processed, because of the models or of the group.

    """
    jobs = min(jobs or len(os.sched_getaffinity(0)), len(pairs))
    if jobs > 1:  # one core per photo is faster than all cores for one photo after the other
        settings = replace(settings, vision_threads=1)
    app = App(settings)
    open_gallery = partial(app.open_gallery, tenant)
    _ = app.detector  # errors that affect every photo are reported once
    if options.people:
        try:
            open_gallery(options.people.group_id)
        except GroupNotFoundError as error:
            raise UsageError(f"{tenant!r} has no group {str(error)!r}") from error
        except FaceError as error:
            raise CommandError(refusals.in_words(error)) from error
    outcomes = []
    hide = partial(_hide, app, open_gallery, options)
    pool = ThreadPoolExecutor(jobs)
    try:
        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("hiding faces", total=len(pairs))
            for future in as_completed([pool.submit(hide, *pair) for pair in pairs]):
                outcomes.append(future.result())
                progress.advance(bar)
    finally:  # Ctrl-C waits only for the photos in progress
        pool.shutdown(cancel_futures=True)
    return sorted(outcomes, key=lambda outcome: outcome.path)


def _hide(
    app: App,
    open_gallery: Callable[[str], Gallery],
    options: HideOptions,
    source: Path,
    target: Path,
) -> Outcome:
    try:
        data = source.read_bytes()
        deadline = Deadline.after(app.settings.analysis_timeout_s)
        result = deidentify(
            app.codec, app.detector, app.redactor, open_gallery,
            data=data, options=options, deadline=deadline, needs_face=False,
        )  # fmt: skip
        _write(target, result.file)
    except FaceError as error:
        return Outcome(source, error=refusals.in_words(error))
    except OSError as error:
        return Outcome(source, error=f"{error.strerror}: {error.filename or target}")
    except Exception as error:  # it must not stop the other photos
        _logger.debug("unexpected error", exc_info=True)
        return Outcome(source, error=refusals.in_words(error))
    return Outcome(source, faces=sum(1 for face in result.faces if face.is_hidden))


def _write(target: Path, file: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    partial.write_bytes(file)
    partial.replace(target)


def _pairs(source: Path, output: Path) -> list[tuple[Path, Path]]:
    """Return each photo with the file to write.

    Raises:
        UsageError: there is no photo, or the output would overwrite a photo.

    """
    if source.is_dir():
        pairs = [(path, output / path.relative_to(source)) for path in _photos(source, output)]
    elif source.is_file():
        pairs = [(source, _target(source, output))]
    else:
        raise UsageError(f"{source} does not exist")
    if not pairs:
        raise UsageError(f"{source} contains no jpg, jpeg, png or bmp file")
    photos = {photo.resolve() for photo, _ in pairs}
    if any(target.resolve() in photos for _, target in pairs):
        raise UsageError(f"{output} would overwrite the photos themselves: choose another folder")
    return pairs


def _target(photo: Path, output: Path) -> Path:
    """Return the file to write for one photo: `output`, or a file in it if it is a folder."""
    format_ = _FORMATS.get(output.suffix.lower())
    if format_ is None or output.is_dir():
        return output / photo.name
    if format_ != _FORMATS.get(photo.suffix.lower(), format_):
        raise UsageError(
            f"{output}: the format of a photo cannot change; this one is {photo.suffix}"
        )
    return output


def _photos(folder: Path, output: Path) -> Iterator[Path]:
    """Yield the photos below a folder, except those that an earlier run wrote into it."""
    written = output.resolve()
    is_inside = folder.resolve() in written.parents
    for path in sorted(folder.rglob("*")):
        is_photo = path.is_file() and path.suffix.lower() in _FORMATS
        if is_photo and not (is_inside and written in path.resolve().parents):
            yield path


def _printable(text: str) -> str:
    """Return a text without the parts of file names that are not UTF-8."""
    return os.fsencode(text).decode(errors="replace")


def _print_summary(outcomes: list[Outcome]) -> None:
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
        f"{len(outcomes)} photos", str(sum(o.faces for o in outcomes)), f"{failed} failed"
    )
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)
