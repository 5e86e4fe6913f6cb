"""Every golden vector (sdk/vectors): what both SDKs agree on, to the byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from mtas.core import chunks, config, encoding, errors, jwks, jwt, requests, sealing
from mtas.core.discovery import read_metadata
from mtas.core.names import Names, parse_cookies
from mtas.core.return_to import local_path
from mtas.core.session import Session, read_session, read_transaction

VECTORS = Path(__file__).parents[2] / "vectors"


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("ascii"))
    return document


def cases(name: str, part: str = "cases") -> list[Any]:
    return [
        pytest.param(case, id=str(case.get("name") or case.get("input") or number)[:60])
        for number, case in enumerate(load(name)[part])
    ]


def sealer(name: str, typ: str) -> sealing.Sealer:
    settings = load(name)["config"]
    return sealing.Sealer(settings["cookie_secrets"], typ, settings["issuer"], settings["app_id"])


def read(typ: str, claims: dict[str, Any] | None, now: int) -> Any:
    return read_session(claims, now) if typ == "mtas-session" else read_transaction(claims, now)


@pytest.mark.parametrize("case", cases("keys"))
def test_keys_are_derived(case: dict[str, Any]) -> None:
    key = sealing.derive_key(case["secret"], case["typ"], case["issuer"], case["app_id"])
    assert encoding.b64url(key) == case["key"]
    assert sealing.derive_kid(case["secret"]) == case["kid"]


@pytest.mark.parametrize("name", ["session", "transaction"])
def test_sealed_values_are_these_to_the_byte(name: str) -> None:
    vectors = load(name)
    typ, settings, now = vectors["typ"], vectors["config"], vectors["now"]
    both = sealer(name, typ)
    for case in vectors["cases"]:
        one = sealing.Sealer([case["secret"]], typ, settings["issuer"], settings["app_id"])
        held = read(typ, case["claims"], now)
        assert encoding.to_json(held.claims()) == case["plaintext"], case["name"]
        assert one.seal(held.claims(), encoding.from_b64url(case["iv"])) == case["sealed"], case["name"]
        opened = both.open(case["sealed"])
        assert opened == case["claims"], case["name"]
        assert read(typ, opened, now) == held


@pytest.mark.parametrize("case", cases("refused"))
def test_damaged_values_do_not_open(case: dict[str, Any]) -> None:
    assert (
        read(case["typ"], sealer("refused", case["typ"]).open(case["value"]), load("refused")["now"]) is None
    )


@pytest.mark.parametrize("case", cases("chunks", "write"))
def test_long_values_are_cut(case: dict[str, Any]) -> None:
    if case["cookies"] is None:
        with pytest.raises(errors.MtasError, match="session_too_large"):
            chunks.write_chunks(case["cookie"], case["value"])
        return
    written = chunks.write_chunks(case["cookie"], case["value"])
    assert written == case["cookies"]
    assert all(len(f"{name}={value}") <= load("chunks")["largest"] for name, value in written.items())
    assert chunks.read_chunks(case["cookie"], written) == case["value"]


@pytest.mark.parametrize("case", cases("chunks", "read"))
def test_chunks_are_put_together(case: dict[str, Any]) -> None:
    assert chunks.read_chunks(case["cookie"], case["cookies"]) == case["value"]


def test_cookie_names() -> None:
    app_id = load("cookies")["config"]["app_id"]
    for case in load("cookies")["names"]:
        names = Names(app_id, secure=case["secure"])
        assert names.pointer == case["pointer"]
        assert names.session(case["lid"], case["gen"]) == case["session"]
        assert names.transaction(case["state"]) == case["transaction"]


@pytest.mark.parametrize("case", cases("cookies", "headers"))
def test_cookie_headers_are_read(case: dict[str, Any]) -> None:
    assert parse_cookies(case["header"]) == case["cookies"]


@pytest.mark.parametrize("case", cases("cookies", "pick"))
def test_the_highest_generation_of_the_pointers_login_is_picked(case: dict[str, Any]) -> None:
    names = Names(load("cookies")["config"]["app_id"], secure=True)
    assert names.candidates(case["cookies"]) == case["generations"]


def test_only_what_is_ours_to_the_end_of_its_name_is_swept_away() -> None:
    names, swept = Names(load("cookies")["config"]["app_id"], secure=True), load("cookies")["swept"]
    cookies = dict.fromkeys((*swept["ours"], *swept["others"]), "x")
    assert {*names.all_sessions(cookies), *names.transactions(cookies)} == set(swept["ours"])


@pytest.mark.parametrize("case", cases("return_to"))
def test_return_to_is_local(case: dict[str, Any]) -> None:
    file = load("return_to")
    assert (local_path(case["input"], file["prefix"]) or file["default"]) == case["result"]


@pytest.mark.parametrize("case", cases("csrf"))
def test_csrf(case: dict[str, Any]) -> None:
    assert requests.is_allowed(case["method"], case["headers"], load("csrf")["app_url"]) == case["allowed"]


@pytest.mark.parametrize("case", cases("navigation"))
def test_navigation(case: dict[str, Any]) -> None:
    assert requests.is_navigation(case["headers"]) == case["navigation"]
    assert requests.goes_to_login(case["method"], case["headers"]) == case["to_login"]


@pytest.mark.parametrize("case", cases("navigation", "prefetch"))
def test_prefetch(case: dict[str, Any]) -> None:
    assert requests.is_prefetch(case["headers"]) == case["prefetch"]


@pytest.mark.parametrize("case", cases("refresh"))
def test_refresh_is_due(case: dict[str, Any]) -> None:
    claims = load("session")["cases"][0]["claims"] | {"iat": case["iat"], "at_exp": case["at_exp"]}
    now = load("refresh")["now"]
    session = read_session(claims, now)
    assert isinstance(session, Session)
    assert session.is_due(now, case["refresh_before_s"]) == case["due"]
    assert session.is_valid(now) == case["valid"]


def test_errors() -> None:
    file = load("errors")
    assert file["type_prefix"] == errors.TYPE_PREFIX
    assert {case["code"]: (case["status"], case["title"]) for case in file["cases"]} == {
        code: (kind.status, kind.title) for code, kind in errors.KINDS.items()
    }


@pytest.mark.parametrize("case", cases("config"))
def test_configurations(case: dict[str, Any]) -> None:
    try:
        config.load_config(case["options"], {})
    except config.ConfigError as error:
        assert sorted({problem.option for problem in error.problems}) == sorted(case["problems"])
    else:
        assert case["problems"] == []


def test_an_option_goes_before_the_environment() -> None:
    complete = next(case["options"] for case in load("config")["cases"] if not case["problems"])
    environ = {"MTAS_PREFIX": "/from-environment", "MTAS_SCOPE": "openid"}
    read = config.load_config(complete | {"prefix": "/given", "scope": None}, environ)
    assert (read.prefix, read.scope) == ("/given", "openid")


def verified(case: dict[str, Any], audience: str) -> tuple[jwt.Unverified, dict[str, Any], jwt.Expected]:
    file = load("jwt")
    token = jwt.parse(case["token"])
    claims = jwt.verify(token, jwks.read_key_set(file["jwks"]).find(token.kid, token.alg))
    return token, claims, jwt.Expected(file["issuer"], audience, file["leeway"], file["now"])


@pytest.mark.parametrize("case", cases("jwt", "access_token"))
def test_access_tokens(case: dict[str, Any]) -> None:
    if case["accept"]:
        assert jwt.check_access_token(*verified(case, case["audience"])).sub
        return
    with pytest.raises(jwt.TokenError):
        jwt.check_access_token(*verified(case, case["audience"]))


@pytest.mark.parametrize("case", cases("jwt", "id_token"))
def test_id_tokens(case: dict[str, Any]) -> None:
    def check() -> None:
        jwt.check_id_token(
            *verified(case, load("jwt")["app_id"]),
            nonce=case["nonce"],
            access_token=case.get("access_token"),
        )

    if case["accept"]:
        check()
        return
    with pytest.raises(jwt.TokenError):
        check()


@pytest.mark.parametrize("case", cases("jwks"))
def test_key_sets(case: dict[str, Any]) -> None:
    if case["usable"] is None:
        with pytest.raises(ValueError):
            jwks.read_key_set(case["jwks"])
        return
    assert [list(key) for key in jwks.read_key_set(case["jwks"]).keys] == case["usable"]


@pytest.mark.parametrize("case", cases("discovery"))
def test_discovery(case: dict[str, Any]) -> None:
    issuer = load("discovery")["issuer"]
    if case["accept"]:
        assert read_metadata(case["document"], issuer).token_endpoint
        return
    with pytest.raises(ValueError):
        read_metadata(case["document"], issuer)
