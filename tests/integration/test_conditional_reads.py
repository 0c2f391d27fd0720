"""A caller that has an answer already is told so instead of being sent it again."""

import httpx
import pytest

from tests.fixtures.caller import Caller


@pytest.fixture
async def path(api: Caller) -> str:
    product = await api.post("/v1/products", {"name": "Consulting"})
    return f"/v1/products/{product['id']}"


async def known(client: httpx.AsyncClient, path: str, tags: str) -> httpx.Response:
    return await client.get(path, headers={"If-None-Match": tags})


async def test_the_same_answer_is_not_sent_again(app_client: httpx.AsyncClient, path: str) -> None:
    first = await app_client.get(path)
    assert first.status_code == 200
    again = await known(app_client, path, first.headers["ETag"])
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("tags", ['"other", {tag}', "W/{tag}", "*"])
async def test_every_way_to_name_the_tag_counts(app_client: httpx.AsyncClient, path: str, tags: str) -> None:
    tag = (await app_client.get(path)).headers["ETag"]
    assert (await known(app_client, path, tags.format(tag=tag))).status_code == 304


async def test_a_change_is_sent_under_a_new_tag(api: Caller, app_client: httpx.AsyncClient, path: str) -> None:
    before = (await app_client.get(path)).headers["ETag"]
    await api.patch(path, {"name": "Training"})
    after = await known(app_client, path, before)
    assert after.status_code == 200
    assert after.json()["name"] == "Training"
    assert after.headers["ETag"] != before


async def test_a_page_is_known_until_something_on_it_changes(
    api: Caller, app_client: httpx.AsyncClient, path: str
) -> None:
    tag = (await app_client.get("/v1/products")).headers["ETag"]
    assert (await known(app_client, "/v1/products", tag)).status_code == 304
    await api.delete(path)
    assert (await known(app_client, "/v1/products", tag)).status_code == 200


async def test_what_is_gone_is_not_found_whatever_is_known(
    api: Caller, app_client: httpx.AsyncClient, path: str
) -> None:
    await api.delete(path)
    assert (await known(app_client, path, "*")).status_code == 404
