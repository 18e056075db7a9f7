"""An endpoint that is started: what is written, what is refused, and that it must be filled in."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_runner import template
from shared.config import ROOT
from tests import examples
from tools import new_endpoint
from tools.new_endpoint import Endpoint, NewEndpointError

BASE = "/nhn-face-reco/v1.0/appkeys/{appKey}/groups"
COUNT = Endpoint("nhn", "tally_faces", "GET", f"{BASE}/{{groupId}}/tally")

DIALECTS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/_dialect.py"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what an endpoint is written into."""
    for folder in ("functions", "tests/golden"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("template.yaml", "docs/endpoints.md"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_writes_a_file_for_every_place_that_an_endpoint_has(checkout: Path) -> None:
    before = contents(checkout)
    written = new_endpoint.start(COUNT, checkout)
    after = contents(checkout)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {str(path.relative_to(checkout)) for path in written} == {
        "functions/nhn/tally_faces.py",
        "tests/functions/nhn/test_tally_faces.py",
        "tests/golden/nhn/tally_faces.json",
        "template.yaml",
        "docs/endpoints.md",
    }  # fmt: skip


def test_the_template_has_it_behind_the_others_of_its_dialect(checkout: Path) -> None:
    new_endpoint.start(COUNT, checkout)
    functions = template.read(checkout / "template.yaml")
    (added,) = set(functions) - set(template.read())
    assert added.name == "TallyFacesFunction"
    assert added.command == "functions.nhn.tally_faces.handler"
    assert [route.key for route in added.routes] == [f"GET {COUNT.route}"]
    before = functions[functions.index(added) - 1]
    assert before.command.startswith("functions.nhn.")
    assert len(functions) == len(template.read()) + 1


def test_the_page_of_the_endpoints_has_a_row_of_it(checkout: Path) -> None:
    new_endpoint.start(COUNT, checkout)
    rows = (checkout / "docs" / "endpoints.md").read_text(encoding="utf-8").splitlines()
    row = f"| `GET` | `{COUNT.route}` | `functions.nhn.tally_faces.handler` |"
    assert "`functions.nhn." in rows[rows.index(row) - 1]


def test_the_first_endpoint_of_a_dialect_comes_behind_all_others(checkout: Path) -> None:
    package = checkout / "functions" / "newcomer"
    package.mkdir()
    (package / "_dialect.py").touch()
    new_endpoint.start(Endpoint("newcomer", "detect", "POST", "/newcomer/v1/detect"), checkout)
    routed = [f for f in template.read(checkout / "template.yaml") if f.routes]
    assert routed[-1].command == "functions.newcomer.detect.handler"
    assert routed[-1].name == "NewcomerDetectFunction"  # NHN's is the DetectFunction


def test_the_handler_is_python_that_speaks_the_dialect(checkout: Path) -> None:
    new_endpoint.start(COUNT, checkout)
    text = (checkout / "functions" / "nhn" / "tally_faces.py").read_text(encoding="utf-8")
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert {"endpoint", "nhn", "NotImplementedError"} <= names


def test_the_example_and_the_test_fail_in_words_until_they_are_filled_in(checkout: Path) -> None:
    new_endpoint.start(COUNT, checkout)
    assert examples.unfilled(checkout / "tests" / "golden") == ["nhn/tally_faces.json"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider",
         "tests/functions/nhn/test_tally_faces.py"],
        cwd=checkout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "TODO: test what functions/nhn/tally_faces.py does" in done.stdout


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        (
            ("amazon", "detect", "GET", "/x"),
            f"no dialect 'amazon'; there are: {', '.join(DIALECTS)}",
        ),
        (("", "detect", "GET", "/x"), "no dialect ''"),
        (("events", "detect", "GET", "/x"), "no dialect 'events'"),
        (("nhn", "", "GET", "/x"), "NAME must look like count_faces, not ''"),
        (("nhn", "countFaces", "GET", "/x"), "NAME must look like"),
        (("nhn", "_count", "GET", "/x"), "NAME must look like"),
        (("nhn", "count-faces", "GET", "/x"), "NAME must look like"),
        (("nhn", "../count", "GET", "/x"), "NAME must look like"),
        (("nhn", "import", "GET", "/x"), "NAME must look like"),
        (("nhn", "get_group", "GET", "/x"), "functions.nhn.get_group.handler is there already"),
        (("nhn", "count", "get", "/x"), "METHOD must be one of GET, POST"),
        (("nhn", "count", "FETCH", "/x"), "METHOD must be"),
        (("nhn", "count", "GET", ""), "ROUTE must look like /groups/{groupId}, not ''"),
        (("nhn", "count", "GET", "count"), "ROUTE must look like"),
        (("nhn", "count", "GET", "/a b"), "ROUTE must look like"),
        (("nhn", "count", "GET", "/a//b"), "ROUTE must look like"),
        (("nhn", "count", "GET", '/a"b'), "ROUTE must look like"),
        (("nhn", "count", "GET", "/{a"), "ROUTE must look like"),
        (("nhn", "count", "GET", "/{proxy+}/more"), "ROUTE must look like"),
        (("nhn", "count", "GET", BASE), f"GET {BASE} is the route of ListGroupsFunction already"),
    ],
)
def test_refuses_what_is_wrong_or_taken_and_writes_nothing(
    checkout: Path, endpoint: tuple[str, str, str, str], reason: str
) -> None:
    before = contents(checkout)
    with pytest.raises(NewEndpointError) as refusal:
        new_endpoint.start(Endpoint(*endpoint), checkout)
    assert reason in str(refusal.value)
    assert contents(checkout) == before


def test_make_says_what_is_missing() -> None:
    (command,) = [
        line.split("new_endpoint ")[1]
        for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
        if "tools.new_endpoint" in line
    ]
    assert command.replace("'", "") == "$(DIALECT) $(NAME) $(METHOD) $(ROUTE)"


def test_the_command_refuses_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert new_endpoint.main(["nhn", "get_group", "GET", "/x"]) == 2
    assert capsys.readouterr().err == (
        "new-endpoint: functions.nhn.get_group.handler is there already, as GetGroupFunction\n"
    )
