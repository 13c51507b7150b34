"""Looking people up over the wire of X API v2."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from tests.sandbox.conftest import (
    ASHA,
    BRAM,
    COLE,
    GRIT,
    IRIS,
    JUNE,
    LENA,
    ME,
    MIRA,
    SOL,
    THEO,
    ZIP,
)
from xdm_mcp.sandbox import SANDBOX_APP_TOKEN

RELATIVE = {"user.fields": "receives_your_dm,connection_status,protected"}


async def test_me_is_the_owner_of_the_token(x: httpx2.AsyncClient) -> None:
    """With the three default fields."""
    answer = await x.get("/2/users/me")

    assert answer.json() == {"data": {"id": ME, "name": "You", "username": "you"}}


@pytest.mark.parametrize("path", ["/2/users/by/username/LENA_sandbox", f"/2/users/{LENA}"])
async def test_a_user_is_found_by_id_and_by_username_in_any_case(
    x: httpx2.AsyncClient, path: str
) -> None:
    """With what the caller asks for, relative to the caller."""
    answer = await x.get(path, params=RELATIVE)

    assert answer.json() == {
        "data": {
            "id": LENA,
            "name": "Lena Frost",
            "username": "lena_sandbox",
            "receives_your_dm": True,
            "connection_status": ["followed_by"],
            "protected": True,
        }
    }


@pytest.mark.parametrize(
    ("person_id", "receives", "connection"),
    [
        (IRIS, True, []),
        (THEO, True, ["followed_by", "following"]),
        (MIRA, False, []),
        (COLE, False, []),
        (GRIT, False, ["blocking"]),
        (JUNE, True, []),
    ],
)
async def test_can_dm_is_relative_to_the_caller(
    x: httpx2.AsyncClient, person_id: str, receives: bool, connection: list[str]
) -> None:
    """Who wrote, follows or is open receives; blocks in either direction close."""
    user = (await x.get(f"/2/users/{person_id}", params=RELATIVE)).json()["data"]

    assert (user["receives_your_dm"], user["connection_status"]) == (receives, connection)


async def test_somebody_closed_becomes_writable_by_writing(x: httpx2.AsyncClient) -> None:
    """As soon as they have written to the caller."""
    await x.post("/_sandbox/inbound", json={"from": "mira_sandbox", "text": "Hello?"})

    user = (await x.get(f"/2/users/{MIRA}", params=RELATIVE)).json()["data"]

    assert user["receives_your_dm"] is True


async def test_without_a_user_what_is_relative_is_absent(
    connect: Callable[..., httpx2.AsyncClient],
) -> None:
    """The app's own token may look up, and is told nothing about a caller."""
    app = connect(SANDBOX_APP_TOKEN)

    user = (await app.get(f"/2/users/{IRIS}", params=RELATIVE)).json()["data"]

    assert set(user) == {"id", "name", "username", "protected"}


@pytest.mark.parametrize(
    ("path", "parameter", "value"),
    [
        ("/2/users/by/username/nobody_x", "username", "nobody_x"),
        ("/2/users/99", "id", "99"),
    ],
)
async def test_a_missing_user_is_200_with_errors_and_no_data(
    x: httpx2.AsyncClient, path: str, parameter: str, value: str
) -> None:
    """As X documents it."""
    answer = await x.get(path)

    assert answer.status_code == 200
    assert answer.json() == {
        "errors": [
            {
                "title": "Not Found Error",
                "detail": f"Could not find user with {parameter}: [{value}].",
                "parameter": parameter,
                "value": value,
                "resource_type": "user",
                "type": "https://api.x.com/2/problems/resource-not-found",
            }
        ]
    }


async def test_a_suspended_user_is_an_error_that_says_so(x: httpx2.AsyncClient) -> None:
    """There is no data about them."""
    body = (await x.get("/2/users/by/username/zip_sandbox")).json()

    assert set(body) == {"errors"}
    assert body["errors"][0]["detail"] == "User has been suspended: [zip_sandbox]."


async def test_several_are_looked_up_at_once_with_what_is_missing(x: httpx2.AsyncClient) -> None:
    """Partial success: those that there are, and an error for each other."""
    by_id = (await x.get("/2/users", params={"ids": f"{IRIS},99,{ZIP},{THEO}"})).json()
    names = {"usernames": "iris_sandbox,nobody_x,theo_sandbox"}
    by_name = (await x.get("/2/users/by", params=names)).json()

    assert [user["id"] for user in by_id["data"]] == [IRIS, THEO]
    assert [error["value"] for error in by_id["errors"]] == ["99", ZIP]
    assert [user["id"] for user in by_name["data"]] == [IRIS, THEO]
    assert [error["parameter"] for error in by_name["errors"]] == ["usernames"]


async def test_if_nobody_is_found_there_is_no_data(x: httpx2.AsyncClient) -> None:
    """Only errors."""
    body = (await x.get("/2/users", params={"ids": "98,99"})).json()

    assert set(body) == {"errors"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/2/users/by/username/sixteen_letters_", {}),
        ("/2/users/by/username/no-dash", {}),
        ("/2/users/12x", {}),
        ("/2/users", {}),
        ("/2/users", {"ids": "1,x"}),
        ("/2/users", {"ids": ",".join(str(number) for number in range(101))}),
        ("/2/users/by", {"usernames": ""}),
        ("/2/users/by", {"usernames": "good,b@d"}),
        ("/2/users/me", {"user.fields": "password"}),
        ("/2/users/me", {"fields": "id"}),
        (f"/2/users/{ME}/followers", {"max_results": "1001"}),
        (f"/2/users/{ME}/followers", {"pagination_token": "F0Z1"}),
    ],
)
async def test_a_look_up_that_x_would_not_take_is_refused_with_400(
    x: httpx2.AsyncClient, path: str, query: dict[str, str]
) -> None:
    """Impossible names and ids, too many, unknown fields and parameters."""
    answer = await x.get(path, params=query)

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/invalid-request")


async def test_followers_are_paged_newest_first(x: httpx2.AsyncClient) -> None:
    """Every follower once, on pages of any size, with a way back."""
    found: list[str] = []
    query = {"max_results": "2"}
    while True:
        page = (await x.get(f"/2/users/{ME}/followers", params=query)).json()
        found += [user["id"] for user in page["data"]]
        if "next_token" not in page["meta"]:
            break
        query["pagination_token"] = page["meta"]["next_token"]
    query["pagination_token"] = page["meta"]["previous_token"]
    before = (await x.get(f"/2/users/{ME}/followers", params=query)).json()

    assert found == [LENA, SOL, BRAM, ASHA, THEO]
    assert [user["id"] for user in before["data"]] == [BRAM, ASHA]


async def test_somebody_without_followers_has_no_data(x: httpx2.AsyncClient) -> None:
    """Only a count of 0."""
    body = (await x.get(f"/2/users/{MIRA}/followers")).json()

    assert body == {"meta": {"result_count": 0}}
