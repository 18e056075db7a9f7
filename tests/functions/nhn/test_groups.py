"""Creating, listing, reading and deleting groups."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from harness import builders, photos
from shared.app import App
from tests.functions.nhn.client import NhnClient


def test_a_created_group_can_be_read(client: NhnClient) -> None:
    client.create_group("people")
    (group,) = client.data("GET", "/groups/people")["groups"]
    assert group["groupId"] == "people"
    assert group["faceCount"] == 0
    assert group["modelVersion"]


def test_the_time_of_creation_is_korean(client: NhnClient) -> None:
    client.create_group("people")
    (group,) = client.data("GET", "/groups/people")["groups"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", group["createTime"])
    there = datetime.fromisoformat(group["createTime"] + "+09:00")
    assert abs(there - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("name", ["", "A", "a_b", "a b", "한", "a" * 256, "a\n", "a/b", "."])
def test_refuses_a_name_outside_the_pattern(client: NhnClient, name: str) -> None:
    assert client.code("POST", "/groups", {"groupId": name}) == -40010


@pytest.mark.parametrize("body", [{}, {"groupId": None}, {"groupId": 7}, {"groupId": ["a"]}])
def test_refuses_a_name_that_is_not_a_string(client: NhnClient, body: object) -> None:
    assert client.code("POST", "/groups", body) == -40000


@pytest.mark.parametrize("name", ["a", "-", "0", "a" * 255, "my-group-1"])
def test_accepts_a_name_within_the_pattern(client: NhnClient, name: str) -> None:
    assert client.code("POST", "/groups", {"groupId": name}) == 0
    assert client.code("GET", f"/groups/{name}") == 0


def test_refuses_a_taken_name(client: NhnClient) -> None:
    client.create_group("people")
    assert client.code("POST", "/groups", {"groupId": "people"}) == -40020


def test_a_missing_group_is_not_found(client: NhnClient) -> None:
    for method, path in [
        ("GET", "/groups/none"),
        ("DELETE", "/groups/none"),
        ("GET", "/groups/none/faces?limit=1"),
        ("DELETE", "/groups/none/faces/x"),
        ("GET", "/groups/none/faces/x?limit=1&threshold=1"),
    ]:
        assert client.code(method, path) == -40030


@pytest.mark.parametrize("name", ["A", "a_b", "a" * 256, "%ED%95%9C"])
def test_a_path_with_an_invalid_name_is_an_invalid_parameter(client: NhnClient, name: str) -> None:
    assert client.code("GET", f"/groups/{name}") == -40000
    assert client.code("DELETE", f"/groups/{name}") == -40000


def test_a_deleted_group_is_gone(client: NhnClient) -> None:
    group = client.create_group("people")
    assert client.code("DELETE", group) == 0
    assert client.code("GET", group) == -40030
    assert client.code("DELETE", group) == -40030


def test_a_group_created_again_shows_nothing_of_the_old_one(client: NhnClient) -> None:
    group = client.create_group("people")
    (old,) = client.add(group, photos.load("obama.jpg"))["addedFaces"]
    client.data("DELETE", group)
    client.create_group("people")
    assert client.data("GET", f"{group}/faces?limit=200")["faces"] == []
    face = f"{group}/faces/{old['faceId']}"
    assert client.code("GET", f"{face}?limit=1&threshold=1") == -40050
    assert client.code("DELETE", face) == -40050


def test_two_keys_of_a_tenant_see_the_same_groups(client: NhnClient, store: App) -> None:
    client.create_group("people")
    second = NhnClient(store, "second-key")
    assert second.code("GET", "/groups/people") == 0
    assert second.code("POST", "/groups", {"groupId": "people"}) == -40020


def test_another_tenant_does_not_see_the_groups(client: NhnClient, store: App) -> None:
    client.create_group("people")
    other = NhnClient(store, "other-key")
    assert other.code("GET", "/groups/people") == -40030
    assert other.data("GET", "/groups?limit=200")["groups"] == []
    assert other.code("POST", "/groups", {"groupId": "people"}) == 0
    assert other.code("DELETE", "/groups/people") == 0
    assert client.code("GET", "/groups/people") == 0


def test_refuses_an_unknown_app_key(store: App) -> None:
    stranger = NhnClient(store, "nobody")
    assert stranger.code("GET", "/groups?limit=1") == -41000
    assert stranger.code("POST", "/groups", {"groupId": "a"}) == -41000


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("PUT", "/groups"),
        ("GET", "/detect"),
        ("POST", "/groups/a/b/c"),
        ("GET", "/"),
    ],
)
def test_an_unknown_route_is_404_in_the_envelope(client: NhnClient, method: str, path: str) -> None:
    reply = client.call(method, path)
    assert reply.status_code == 404
    assert reply.json["header"] == {
        "resultCode": -40000,
        "resultMessage": "InvalidParam",
        "isSuccessful": False,
    }


def test_lists_in_the_order_of_names(client: NhnClient) -> None:
    for name in ("b", "a-2", "a", "c"):
        client.create_group(name)
    data = client.data("GET", "/groups?limit=200")
    assert [group["groupId"] for group in data["groups"]] == ["a", "a-2", "b", "c"]
    assert data["groupCount"] == 4
    assert data["nextToken"] is None


def test_pages_through_the_list(client: NhnClient) -> None:
    names = [f"g{number:02}" for number in range(7)]
    for name in names:
        client.create_group(name)
    data = client.data("GET", "/groups?limit=3")
    seen = [group["groupId"] for group in data["groups"]]
    while data["nextToken"] is not None:
        assert data["groupCount"] == 3
        data = client.data("GET", f"/groups?limit=200&next-token={data['nextToken']}")
        seen += [group["groupId"] for group in data["groups"]]
    assert seen == names


def test_a_full_last_page_has_no_token(client: NhnClient) -> None:
    for name in ("a", "b"):
        client.create_group(name)
    assert client.data("GET", "/groups?limit=2")["nextToken"] is None


@pytest.mark.parametrize("limit", ["", "0", "201", "-1", "1.5", "x", "1e2", " 1", "\uff11"])
def test_refuses_a_limit_out_of_range(client: NhnClient, limit: str) -> None:
    assert client.code("GET", f"/groups?limit={limit}") == -40000


def test_the_limit_is_required(client: NhnClient) -> None:
    assert client.code("GET", "/groups") == -40000


def token_of(client: NhnClient) -> str:
    for name in ("a", "b"):
        client.data("POST", "/groups", {"groupId": name})
    token: str = client.data("GET", "/groups?limit=1")["nextToken"]
    return token


@pytest.mark.parametrize("token", ["", "x", "====", "%00", "a" * 5000, "한"])
def test_refuses_a_malformed_token(client: NhnClient, token: str) -> None:
    assert client.code("GET", f"/groups?limit=1&next-token={token}") == -40040


def test_refuses_a_changed_token(client: NhnClient) -> None:
    token = token_of(client)
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        assert client.code("GET", f"/groups?limit=1&next-token={changed}") == -40040


def test_refuses_a_token_of_another_key_or_listing(client: NhnClient, store: App) -> None:
    token = token_of(client)
    path = f"/groups?limit=1&next-token={token}"
    assert client.code("GET", path) == 0
    assert NhnClient(store, "second-key").code("GET", path) == -40040
    assert NhnClient(store, "other-key").code("GET", path) == -40040
    assert client.code("GET", f"/groups/a/faces?limit=1&next-token={token}") == -40040


def test_malformed_json_is_an_invalid_parameter(client: NhnClient) -> None:
    reply = client.call("POST", "/groups", None)
    assert reply.status_code == 200
    assert reply.json["header"]["resultCode"] == -40000
    assert builders.KEY not in str(reply.json)
