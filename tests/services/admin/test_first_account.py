"""The first dashboard account: with the set-up token, once, whatever comes at the same time."""

import asyncio

import httpx2
import pytest

from tests.services.admin.conftest import PASSWORD, SETUP_TOKEN, World

GOOD = {"email": "ada@example.com", "password": PASSWORD, "setup_token": SETUP_TOKEN}


async def accounts(world: World) -> int:
    return len(await world.seed.fetch("select from admin.developers"))


async def test_the_dashboard_leads_to_sign_up_before_there_is_an_account(first_run: World) -> None:
    page = await first_run.person().get("/")
    assert page.url.path == "/dashboard/sign-up"


async def test_the_first_account_is_an_operator_and_signed_in(first_run: World) -> None:
    person = first_run.person()
    answer = await person.fill("/dashboard/sign-up", GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    assert (await person.get("/dashboard")).status_code == 200
    rows = await first_run.seed.fetch(
        "select email, is_operator, is_first, password_hash from admin.developers"
    )
    assert [(row["email"], row["is_operator"], row["is_first"]) for row in rows] == [
        ("ada@example.com", True, True)
    ]
    assert rows[0]["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        pytest.param({"setup_token": "another"}, "setup_token", "not the set-up token", id="token"),
        pytest.param({"setup_token": ""}, "setup_token", "not the set-up token", id="no-token"),
        pytest.param({"setup_token": "é"}, "setup_token", "not the set-up token", id="not-ascii"),
        pytest.param({"email": "ada"}, "email", "Enter an email address", id="email"),
        pytest.param({"password": "short"}, "password", "at least 15 characters", id="short"),
        pytest.param({"password": "x" * 257}, "password", "at most 256 characters", id="long"),
        pytest.param({"password": "passwordpassword"}, "password", "from a data breach", id="breached"),
        pytest.param({"password": "ada.example.com1"}, "password", "your email address", id="email-again"),
    ],
)
async def test_a_wrong_field_makes_no_account(
    first_run: World, change: dict[str, str], field: str, words: str
) -> None:
    answer = await first_run.person().fill("/dashboard/sign-up", GOOD | change)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'href="#{field}"' in answer.text
    assert PASSWORD not in answer.text
    assert "set-cookie" not in answer.headers
    assert await accounts(first_run) == 0


async def test_sign_up_closes_after_it(first_run: World) -> None:
    await first_run.person().fill("/dashboard/sign-up", GOOD)
    person = first_run.person()
    closed = await person.get("/dashboard/sign-up")
    assert closed.status_code == 403
    assert "invitation" in closed.text
    form = await person.get("/dashboard/sign-in")
    again = await person.http.post(
        "/dashboard/sign-up",
        data=GOOD
        | {"email": "eve@example.com", "form_token": form.text.split('form_token" value="')[1][:43]},
    )
    assert again.status_code == 403
    assert "invitation" in again.text
    assert await accounts(first_run) == 1


async def test_64_at_once_make_one_account(first_run: World) -> None:
    people = [first_run.person() for _ in range(64)]
    pages = [await person.get("/dashboard/sign-up") for person in people]

    async def sign_up(number: int) -> httpx2.Response:
        email = f"first-{number}@example.com"
        return await people[number].submit(pages[number], GOOD | {"email": email})

    answers = await asyncio.gather(*(sign_up(number) for number in range(64)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 403, 503}
    assert await accounts(first_run) == 1
    assert len(await first_run.seed.fetch("select from admin.developer_sessions")) == 1
