"""Every answer has the shape of the vendor's own example."""

from typing import Any

import pytest

from harness import photos
from tests import examples
from tests.functions.nhn.client import NhnClient, image

OPERATIONS = examples.operations()["nhn"]
MORE_THAN_THE_EXAMPLE = {"search_by_face_id": {"data.modelVersion"}}


def shape(value: Any, path: str = "") -> set[str]:
    """Return the path of every field, with the type of what it holds."""
    if isinstance(value, dict):
        return {p for key, item in value.items() for p in shape(item, f"{path}.{key}")}
    if isinstance(value, list):
        return {p for item in value for p in shape(item, f"{path}[]")}
    kind = "number" if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return {f"{path.lstrip('.')}:{kind or type(value).__name__}"}


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An answer of every operation."""
    from harness import builders
    from tests.functions.nhn.conftest import app_with_models_of

    app = app_with_models_of(request.getfixturevalue("app"), tmp_path_factory.mktemp("golden"))
    client = NhnClient(app, builders.KEY)
    two = image(photos.side_by_side(*photos.TWO_PEOPLE))
    answers = {"create_group": client.answer("POST", "/groups", {"groupId": "group-id"})}
    client.create_group("my-group")
    added = client.answer(
        "POST", "/groups/my-group", {"image": two, "externalImageId": "image01.jpg", "limit": 1}
    )
    client.add("/groups/my-group", photos.load("obama2.jpg"), externalImageId="image02.jpg")
    face = added["data"]["addedFaces"][0]["faceId"]
    search = {"image": image(photos.load("obama3.jpg"))}
    pair = {"sourceImage": search["image"], "targetImage": two}
    return answers | {
        "add_faces": added,
        "list_groups": client.answer("GET", "/groups?limit=1"),
        "get_group": client.answer("GET", "/groups/my-group"),
        "detect": client.answer("POST", "/detect", {"image": two}),
        "list_faces": client.answer("GET", "/groups/my-group/faces?limit=1"),
        "search_by_face_id": client.answer(
            "GET", f"/groups/my-group/faces/{face}?limit=9&threshold=1"
        ),
        "search_by_image": client.answer(
            "POST", "/groups/my-group/search?limit=9&threshold=1", search
        ),
        "compare": client.answer("POST", "/compare?threshold=80", pair),
        "delete_face": client.answer("DELETE", f"/groups/my-group/faces/{face}"),
        "delete_group": client.answer("DELETE", "/groups/my-group"),
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_with_the_fields_of_the_example(answers: Any, operation: str) -> None:
    example = examples.read(f"nhn/{operation}.json")
    answer = answers[operation]
    more = {f"{name}:str" for name in MORE_THAN_THE_EXAMPLE.get(operation, set())}
    assert shape(answer) == shape(example) | more
    assert answer["header"] == example["header"]
