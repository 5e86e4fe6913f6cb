"""Vectors of the cookie: keys, sealed values, chunks, names and picking."""

import hashlib
from typing import Any, Final

from sdk.vectors.sealed import (
    APP_ID,
    APP_URL,
    ISSUER,
    LID,
    NOW,
    SECRETS,
    SESSION,
    TRANSACTION,
    UNICODE_SECRET,
    b64,
    compact,
    iv_of,
    key_of,
    kid_of,
    seal,
    session_claims,
    transaction_claims,
)

CONFIG: Final = {"issuer": ISSUER, "app_id": APP_ID, "app_url": APP_URL, "cookie_secrets": list(SECRETS)}
LARGEST: Final = 3800


def keys() -> dict[str, Any]:
    cases = [
        {
            "secret": secret,
            "issuer": issuer,
            "app_id": app_id,
            "typ": typ,
            "kid": kid_of(secret),
            "key": b64(key_of(secret, typ, issuer, app_id)),
        }
        for secret in (*SECRETS, UNICODE_SECRET)
        for typ in (SESSION, TRANSACTION)
        for issuer, app_id in ((ISSUER, APP_ID), ("https://auth.example.com/t/globex", "globex"))
    ]
    return {"cases": cases}


def _sealed_case(name: str, claims: dict[str, Any], typ: str, number: int, secret: str) -> dict[str, Any]:
    plaintext = compact(claims)
    iv = iv_of(number)
    return {
        "name": name,
        "secret": secret,
        "claims": claims,
        "plaintext": plaintext,
        "iv": b64(iv),
        "sealed": seal(plaintext, secret=secret, typ=typ, iv=iv),
    }


def session() -> dict[str, Any]:
    claims = {
        "a session": session_claims(),
        "refreshed once": session_claims(gen=1, iat=NOW + 550, at_exp=NOW + 1150),
        "no refresh token, no sid, no auth_time": session_claims(rt=None, sid=None, auth_time=None),
        "text beyond ASCII, and what JSON escapes": session_claims(
            user={"name": "Zoë 李 🦊", "quote": 'a "quoted" \\ name', "line": "one\ntwo\u0001"}
        ),
        "nested claims": session_claims(
            user={"address": {"country": "CH"}, "roles": ["a", "b"], "none": None}
        ),
        "of the second secret": session_claims(gen=7),
    }
    cases = [
        _sealed_case(name, each, SESSION, number, SECRETS[1] if "second" in name else SECRETS[0])
        for number, (name, each) in enumerate(claims.items())
    ]
    return {"config": CONFIG, "typ": SESSION, "now": NOW, "cases": cases}


def transaction() -> dict[str, Any]:
    claims = {
        "a login": transaction_claims(),
        "back to the start page": transaction_claims(return_to="/"),
        "of the second secret": transaction_claims(return_to="/caf%C3%A9"),
    }
    cases = [
        _sealed_case(name, each, TRANSACTION, 64 + number, SECRETS[1] if "second" in name else SECRETS[0])
        for number, (name, each) in enumerate(claims.items())
    ]
    return {"config": CONFIG, "typ": TRANSACTION, "now": NOW, "cases": cases}


def chunks() -> dict[str, Any]:
    name = f"__Host-mtas_{APP_ID}.{LID}.0"
    whole = LARGEST - len(name) - 1
    first = LARGEST - len(f"{name}.0=2~")
    other = LARGEST - len(f"{name}.0=")
    lengths = {
        "short": 100,
        "the longest that needs no chunks": whole,
        "one more": whole + 1,
        "two full chunks": first + other,
        "three chunks": first + other + 1,
        "five full chunks": first + 4 * other,
        "one more than five chunks hold": first + 4 * other + 1,
    }
    written = []
    for title, length in lengths.items():
        value = _filler(length)
        written.append({"name": title, "cookie": name, "value": value, "cookies": _split(name, value)})
    value = _filler(whole + 200)
    pieces = _split(name, value)
    assert pieces is not None
    zero, one = f"{name}.0", f"{name}.1"
    body = pieces[zero][2:]
    read = {
        "whole": ({name: "abc"}, "abc"),
        "two chunks": (pieces, value),
        "two chunks in another order": ({one: pieces[one], zero: pieces[zero]}, value),
        "a chunk too many is ignored": (pieces | {f"{name}.2": "x"}, value),
        "the whole one goes before chunks": (pieces | {name: "abc"}, "abc"),
        "the second is missing": ({zero: pieces[zero]}, None),
        "the first is missing": ({one: pieces[one]}, None),
        "no count": (pieces | {zero: body}, None),
        "count 0": (pieces | {zero: "0~" + body}, None),
        "count 1": (pieces | {zero: "1~" + body}, None),
        "count 6": ({f"{name}.{i}": "6~a" if i == 0 else "a" for i in range(6)}, None),
        "count 02": (pieces | {zero: "02~" + body}, None),
        "count +2": (pieces | {zero: "+2~" + body}, None),
        "count in other digits": (pieces | {zero: "\u0662~" + body}, None),
        "count 2 of three": (pieces | {zero: "3~" + body}, None),
        "an empty chunk": (pieces | {one: ""}, None),
        "nothing": ({}, None),
    }
    return {
        "largest": LARGEST,
        "write": written,
        "read": [
            {"name": title, "cookie": name, "cookies": cookies, "value": result}
            for title, (cookies, result) in read.items()
        ],
    }


def _filler(length: int) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return (alphabet * (length // len(alphabet) + 1))[:length]


def _split(name: str, value: str) -> dict[str, str] | None:
    if len(f"{name}={value}") <= LARGEST:
        return {name: value}
    parts: list[str] = []
    rest = value
    while rest:
        room = LARGEST - len(f"{name}.{len(parts)}=") - (2 if not parts else 0)
        parts.append(rest[:room])
        rest = rest[room:]
    if len(parts) > 5:
        return None
    return {f"{name}.{i}": (f"{len(parts)}~" if i == 0 else "") + part for i, part in enumerate(parts)}


def cookies() -> dict[str, Any]:
    state = transaction_claims()["state"]
    tx = b64(hashlib.sha256(state.encode()).digest())[:16]
    session = f"__Host-mtas_{APP_ID}"
    other = "b3RoZXJsaWQx"
    names = [
        {
            "app_url": app_url,
            "lid": LID,
            "gen": 12,
            "state": state,
            "pointer": f"{p}mtas_{APP_ID}",
            "session": f"{p}mtas_{APP_ID}.{LID}.12",
            "transaction": f"{p}mtas_tx_{APP_ID}.{tx}",
            "secure": bool(p),
        }
        for app_url, p in ((APP_URL, "__Host-"), ("http://localhost:8000", ""))
    ]
    headers = {
        "none": ("", {}),
        "two": ("a=1; b=2", {"a": "1", "b": "2"}),
        "no space between": ("a=1;b=2", {"a": "1", "b": "2"}),
        "more space": ("  a=1 ;\t b=2  ", {"a": "1", "b": "2"}),
        "the first of a name counts": ("a=1; a=2", {"a": "1"}),
        "= in a value": ("a=b=c", {"a": "b=c"}),
        "without =": ("junk; a=1", {"a": "1"}),
        "without a name": ("=x; a=1", {"a": "1"}),
        "quotes stay": ('a="1"', {"a": '"1"'}),
        "nothing is decoded": ("a=%41+", {"a": "%41+"}),
        "empty": ("a=", {"a": ""}),
    }

    def named(lid: str, *generations: object) -> dict[str, str]:
        return {f"{session}.{lid}.{gen}": "x" for gen in generations}

    pick = {
        "no cookies": ({}, []),
        "no pointer": (named(LID, 0), []),
        "a pointer alone": ({session: LID}, []),
        "one": ({session: LID} | named(LID, 0), [0]),
        "the highest first, as a number": ({session: LID} | named(LID, 9, 10, 2), [10, 9, 2]),
        "another login's are not looked at": ({session: LID} | named(other, 99) | named(LID, 3), [3]),
        "at most eight": ({session: LID} | named(LID, *range(12)), [11, 10, 9, 8, 7, 6, 5, 4]),
        "chunks count once": (
            {session: LID} | {f"{session}.{LID}.5.{i}": "2~x" for i in range(2)} | named(LID, 4),
            [5, 4],
        ),
        "a chunk without the first one": ({session: LID, f"{session}.{LID}.5.1": "x"}, []),
        "names that are none": (
            {session: LID}
            | named(LID, "", "x", "-1", "+1", "01", "1.9.9", " 1", "1e3", "99999999999", "\u0661"),
            [],
        ),
        "generation 2147483647 is the last": ({session: LID} | named(LID, 2**31 - 1, 2**31), [2**31 - 1]),
        "a pointer of another form": ({session: LID + "x"} | named(LID, 0), []),
        "an empty pointer": ({session: ""} | named(LID, 0), []),
        "another app's": (
            {"__Host-mtas_acme2": LID, f"__Host-mtas_acme2.{LID}.0": "x"},
            [],
        ),
        "without the prefix": ({f"mtas_{APP_ID}": LID, f"mtas_{APP_ID}.{LID}.0": "x"}, []),
    }
    transaction = f"__Host-mtas_tx_{APP_ID}."
    ours = [f"{transaction}{tx}", f"{session}.{LID}.0", f"{session}.{LID}.1.4"]
    others = [
        f"__Host-mtas_tx_{APP_ID}",
        *(f"{transaction}{end}" for end in ("", "x", f"{tx}x", f"{tx[:-1]}(", f"{tx[:-1]} ", f"{tx[:-1]}é")),
        *(f"{session}.{end}" for end in ("", "x", LID)),
        *(f"{session}.{LID}.{end}" for end in ("", "x", "01", "0.5", "0(")),
        f"mtas_tx_{APP_ID}.{tx}",
    ]
    return {
        "config": CONFIG,
        "swept": {"ours": ours, "others": others},
        "names": names,
        "headers": [
            {"name": title, "header": header, "cookies": result}
            for title, (header, result) in headers.items()
        ],
        "pick": [
            {"name": title, "cookies": given, "generations": result}
            for title, (given, result) in pick.items()
        ],
    }
