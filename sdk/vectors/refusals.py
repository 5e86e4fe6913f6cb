"""Vectors of sealed values that must not open: damaged, sealed for another, or with wrong claims."""

import base64
from collections.abc import Iterator
from typing import Any

from sdk.vectors.cookies import CONFIG
from sdk.vectors.sealed import (
    FOREIGN_SECRET,
    LID,
    NOW,
    SECRETS,
    SESSION,
    TRANSACTION,
    b64,
    compact,
    header_of,
    iv_of,
    kid_of,
    next_letter,
    seal,
    session_claims,
    transaction_claims,
)


def refused() -> dict[str, Any]:
    cases = [{"name": name, "typ": typ, "value": value} for name, typ, value in _refused()]
    return {"config": CONFIG, "now": NOW, "cases": cases}


def _refused() -> Iterator[tuple[str, str, str]]:
    good = compact(session_claims())
    value = seal(good)
    header, _, iv, ciphertext, tag = value.split(".")
    kid = kid_of(SECRETS[0])

    def with_header(text: str) -> str:
        return seal(good, header=text)

    def with_claims(**changes: Any) -> str:
        return seal(compact(session_claims(**changes)))

    yield "empty", SESSION, ""
    yield "not a JWE", SESSION, "null"
    yield "four parts", SESSION, ".".join((header, "", iv, ciphertext))
    yield "six parts", SESSION, value + "."
    yield "an encrypted key", SESSION, f"{header}.AAAA.{iv}.{ciphertext}.{tag}"
    yield "no ciphertext", SESSION, f"{header}..{iv}..{tag}"
    yield "a tag cut to 12 bytes", SESSION, f"{header}..{iv}.{ciphertext}.{tag[:16]}"
    yield "a tag of 17 bytes", SESSION, f"{header}..{iv}.{ciphertext}.{tag[:20]}AAA"
    yield "an IV of 16 bytes", SESSION, f"{header}..{'A' * 22}.{ciphertext}.{tag}"
    yield "an IV of 9 bytes", SESSION, f"{header}..{iv[:12]}.{ciphertext}.{tag}"
    yield "padding", SESSION, f"{header}..{iv}.{ciphertext}.{tag}=="
    yield "spare bits set in the tag", SESSION, value[:-1] + next_letter(value[-1])
    yield "a space in front", SESSION, " " + value
    yield "a space behind", SESSION, value + " "
    yield "a line break inside", SESSION, value[:100] + "\n" + value[100:]
    yield "the standard alphabet", SESSION, seal(good, iv=b"\xfb\xff" * 6).replace("-", "+").replace("_", "/")
    yield "a letter beyond ASCII", SESSION, value[:-1] + "é"
    yield "ciphertext one byte short", SESSION, _recode(value, 3, lambda raw: raw[:-1])
    yield "ciphertext one byte long", SESSION, _recode(value, 3, lambda raw: raw + b"\0")
    yield (
        "IV and tag of another value",
        SESSION,
        ".".join((header, "", *seal(good, iv=iv_of(9)).split(".")[2:3], ciphertext, tag)),
    )
    yield (
        "header: members in another order",
        SESSION,
        with_header(f'{{"enc":"A256GCM","alg":"dir","kid":"{kid}","typ":"{SESSION}"}}'),
    )
    yield (
        "header: spaces",
        SESSION,
        with_header(f'{{"alg": "dir", "enc": "A256GCM", "kid": "{kid}", "typ": "{SESSION}"}}'),
    )
    for name, member in {
        "zip": '"zip":"DEF"',
        "crit": '"crit":["exp"]',
        "an embedded key": '"jwk":{"kty":"oct","k":"AA"}',
        "kid twice": f'"kid":"{kid}"',
    }.items():
        yield f"header: {name}", SESSION, with_header(header_of(SECRETS[0], SESSION)[:-1] + f",{member}}}")
    for name, alg in {"A256GCMKW": "A256GCMKW", "PBES2": "PBES2-HS256+A128KW", "none": "none"}.items():
        yield (
            f"header: alg {name}",
            SESSION,
            with_header(f'{{"alg":"{alg}","enc":"A256GCM","kid":"{kid}","typ":"{SESSION}"}}'),
        )
    yield (
        "header: enc A128GCM",
        SESSION,
        with_header(f'{{"alg":"dir","enc":"A128GCM","kid":"{kid}","typ":"{SESSION}"}}'),
    )
    yield "header: no kid", SESSION, with_header(f'{{"alg":"dir","enc":"A256GCM","typ":"{SESSION}"}}')
    yield "header: no typ", SESSION, with_header(f'{{"alg":"dir","enc":"A256GCM","kid":"{kid}"}}')
    yield (
        "header: typ JWT",
        SESSION,
        with_header(f'{{"alg":"dir","enc":"A256GCM","kid":"{kid}","typ":"JWT"}}'),
    )
    yield "header: empty", SESSION, with_header("{}")
    yield "header: not JSON", SESSION, with_header("dir")
    yield "a signed JWT instead", SESSION, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."
    yield "a secret that is not configured", SESSION, seal(good, secret=FOREIGN_SECRET)
    yield (
        "another secret under the first one's kid",
        SESSION,
        seal(good, secret=FOREIGN_SECRET, header=header_of(SECRETS[0], SESSION)),
    )
    yield "another issuer's", SESSION, seal(good, issuer="https://auth.example.com/t/globex")
    yield "another app's", SESSION, seal(good, app_id="globex")
    yield (
        "a transaction where a session belongs",
        SESSION,
        seal(compact(transaction_claims()), typ=TRANSACTION),
    )
    yield "a session where a transaction belongs", TRANSACTION, value
    yield (
        "a session sealed with the transaction's key",
        SESSION,
        seal(good, typ=TRANSACTION, header=header_of(SECRETS[0], SESSION)),
    )
    for name, text in {
        "nothing": "",
        "not JSON": "session",
        "null": "null",
        "an array": f"[{good}]",
        "a number": "1",
        "JSON and more": good + " x",
        "a member twice": good[:-1] + ',"gen":5}',
        "NaN": good.replace(f'"iat":{NOW}', '"iat":NaN'),
        "deep nesting": '{"v":1,"user":' + "[" * 3000 + "]" * 3000 + "}",
    }.items():
        yield f"claims: {name}", SESSION, seal(text)
    yield "claims: not UTF-8", SESSION, seal(good.encode().replace(b"Ada", b"A\xffa"))
    wrong: dict[str, dict[str, Any]] = {
        "version 2": {"v": 2},
        "version as text": {"v": "1"},
        "version true": {"v": True},
        "no lid": {"lid": None},
        "a lid of 11 letters": {"lid": LID[:-1]},
        "a lid with a dot": {"lid": LID[:-1] + "."},
        "a negative gen": {"gen": -1},
        "gen as text": {"gen": "0"},
        "gen 1.5": {"gen": 1.5},
        "no sub": {"sub": None},
        "an empty sub": {"sub": ""},
        "sub a number": {"sub": 7},
        "no user": {"user": None},
        "user an array": {"user": []},
        "no at": {"at": None},
        "no at_exp": {"at_exp": None},
        "at_exp as text": {"at_exp": str(NOW + 600)},
        "rt a number": {"rt": 1},
        "no idt": {"idt": None},
        "no scope": {"scope": None},
        "no exp": {"exp": None},
        "expired": {"exp": NOW},
        "expired long ago": {"exp": 1},
    }
    for name, changes in wrong.items():
        yield f"claims: {name}", SESSION, with_claims(**changes)
    wrong = {
        "version 2": {"v": 2},
        "no state": {"state": None},
        "no nonce": {"nonce": None},
        "no code_verifier": {"code_verifier": None},
        "no return_to": {"return_to": None},
        "return_to a number": {"return_to": 1},
        "expired": {"exp": NOW},
    }
    for name, changes in wrong.items():
        yield (
            f"transaction claims: {name}",
            TRANSACTION,
            seal(compact(transaction_claims(**changes)), typ=TRANSACTION),
        )


def _recode(value: str, part: int, change: Any) -> str:
    parts = value.split(".")
    raw = base64.urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4))
    parts[part] = b64(change(raw))
    return ".".join(parts)
