"""`/internal/…/signing-keys/import`: a tenant's own key, looked at once and then in the schedule."""

import asyncio
import base64
from collections.abc import Callable
from functools import cache

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from deploy.local.stack import Stack
from services.jwks.flows.import_key import InvalidKey, import_key, read_key
from shared.secret import Secret
from tests.services.jwks.rotator import DAY, Rotator, rotator, verifies
from tests.support.seed import Seed

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey


@pytest.fixture
def jwks(standing: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return standing


def pem_of(
    key: PrivateKey,
    container: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> str:
    return key.private_bytes(Encoding.PEM, container, encryption or NoEncryption()).decode()


@cache
def rsa_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


async def import_(jwks: httpx2.AsyncClient, tenant: Rotator, pem: str, **more: object) -> httpx2.Response:
    answer = await jwks.post(
        f"/internal/tenants/{tenant.tenant_id}/signing-keys/import", json={"pem": pem, **more}
    )
    tenant.signing.forget(tenant.tenant_id)
    tenant.context.published.forget(tenant.tenant_id)
    return answer


async def test_an_imported_key_is_published_then_signs_then_retires(
    jwks: httpx2.AsyncClient, tenant: Rotator
) -> None:
    former = await tenant.kid("active")
    own = rsa.generate_private_key(65537, 3072)  # of another size than the tenant's: it is theirs
    answer = await import_(jwks, tenant, pem_of(own), actor="operator")
    assert answer.status_code == 200, answer.text
    kid = answer.json()["kid"]
    assert (answer.json()["state"], answer.json()["rsa_bits"]) == ("pending", 3072)
    assert kid in (await jwks.get(f"/t/{tenant.slug}/jwks.json")).text
    before = await tenant.sign()
    kept = await tenant.jwks()

    assert not await tenant.later(DAY - 1), "not before its lead"
    assert await tenant.later(1)
    assert (await tenant.kid("active"), await tenant.kid("retiring")) == (kid, former)
    after = await tenant.sign()
    for jwks_document in (kept, await tenant.jwks()):
        assert verifies(before, jwks_document)
        assert verifies(after, jwks_document)
    await tenant.later(DAY)
    await tenant.later(88 * DAY)
    assert sorted(await tenant.states()) == ["active", "pending", "retired"]
    assert (await tenant.keys())[-1]["rsa_bits"] == 2048, "the one after is made here again"
    await tenant.later(DAY)
    assert await tenant.kid("retiring") == kid


async def test_an_ec_key_for_a_tenant_that_signs_with_it(jwks: httpx2.AsyncClient, tenant: Rotator) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    refused = await import_(jwks, tenant, pem_of(own))
    assert (refused.status_code, "RS256" in refused.text) == (422, True)
    await tenant.alg("ES256")
    await tenant.turn()
    made_here = await tenant.kid("pending")
    answer = await import_(jwks, tenant, pem_of(own, PrivateFormat.TraditionalOpenSSL))
    assert answer.status_code == 200, answer.text
    assert await tenant.kid("pending") == answer.json()["kid"]
    assert await tenant.kid("retired") == made_here, "it never signed, and gives way"
    await tenant.later(DAY)
    assert verifies(await tenant.sign(alg="ES256"), await tenant.jwks())


async def test_a_key_is_imported_once_and_by_one(
    stores: Stack, seed: Seed, jwks: httpx2.AsyncClient, tenant: Rotator
) -> None:
    own = pem_of(rsa.generate_private_key(65537, 2048))
    async with rotator(stores, seed, tenant.clock) as other:
        await other.turn()
        answers = await asyncio.gather(
            *(import_(jwks, each, own) for each in (tenant, other) for _ in range(3))
        )
        assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
        (taken,) = await seed.fetch(
            "select tenant_id from jwks.signing_keys where kid = $1",
            next(answer.json()["kid"] for answer in answers if answer.status_code == 200),
        )
        loser = other if taken["tenant_id"] == tenant.tenant_id else tenant
        assert "pending" not in await loser.states()


async def test_a_withdrawn_key_does_not_come_back(jwks: httpx2.AsyncClient, tenant: Rotator) -> None:
    own = pem_of(rsa.generate_private_key(65537, 2048))
    assert (await import_(jwks, tenant, own)).status_code == 200
    path = f"/internal/tenants/{tenant.tenant_id}/signing-keys/rotate"
    await jwks.post(path, json={"emergency": True})
    assert (await import_(jwks, tenant, own)).status_code == 409


async def test_who_has_no_token_imports_nothing(jwks: httpx2.AsyncClient, tenant: Rotator) -> None:
    async with httpx2.AsyncClient(base_url=jwks.base_url) as http:
        assert (await import_(http, tenant, pem_of(rsa_key()))).status_code == 401


async def test_nothing_of_a_key_is_said_or_logged(
    jwks: httpx2.AsyncClient, tenant: Rotator, capfd: pytest.CaptureFixture[str]
) -> None:
    own = pem_of(rsa.generate_private_key(65537, 2048))
    broken = own.replace("\n", "\n\n", 3)[:-200]
    answers = [await import_(jwks, tenant, pem) for pem in (own, own, broken)]
    answers.append(await jwks.post(f"/internal/tenants/{tenant.tenant_id}/signing-keys/import", json=[own]))
    assert [answer.status_code for answer in answers] == [200, 409, 422, 422]
    said = "".join(answer.text for answer in answers) + "".join(capfd.readouterr())
    for line in own.splitlines()[1:-1]:
        assert line[:32] not in said


# What is refused ------------------------------------------------------------------------------


def rsa_of(p: int, q: int, e: int = 65537, **wrong: int) -> str:
    """A key in PEM from two primes, with numbers changed at will."""
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = {"d": d, "dmp1": d % (p - 1), "dmq1": d % (q - 1), "iqmp": pow(q, -1, p)} | wrong
    private = rsa.RSAPrivateNumbers(p=p, q=q, public_numbers=rsa.RSAPublicNumbers(e, p * q), **numbers)
    return pem_of(private.private_key(unsafe_skip_rsa_key_validation=True))


def primes() -> tuple[int, int]:
    numbers = rsa_key().private_numbers()
    return numbers.p, numbers.q


def next_prime(number: int) -> int:
    number |= 1
    while any(pow(base, number - 1, number) != 1 for base in (2, 3, 5)):
        number += 2
    return number


def too_close() -> str:
    p = primes()[0]
    return rsa_of(p, next_prime(p + 2))


def mismatched_ec() -> str:
    """The private scalar of one key beside the public point of another."""
    one, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    der = one.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    points = [
        key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for key in (one, other)
    ]
    assert points[0] in der
    return _pem("PRIVATE KEY", der.replace(points[0], points[1]))


def _pem(label: str, der: bytes) -> str:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n"


REFUSED: dict[str, Callable[[], str]] = {
    "1024 bits": lambda: pem_of(rsa_key(1024)),
    "2047 bits": lambda: rsa_of(next_prime(primes()[0] >> 1), primes()[1]),
    "4112 bits": lambda: pem_of(rsa_key(4112)),
    "e=3": lambda: pem_of(rsa_key(2048, 3)),
    "p and q close together": too_close,
    "p is not prime": lambda: rsa_of(primes()[0] + 2, primes()[1]),
    "d of another key": lambda: rsa_of(*primes(), d=rsa_key(2048, 3).private_numbers().d),
    "dmp1 changed (a CRT fault gives p away)": lambda: rsa_of(*primes(), dmp1=12345678901),
    "P-384": lambda: pem_of(ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": lambda: pem_of(ec.generate_private_key(ec.SECP256K1())),
    "EC halves of two keys": mismatched_ec,
    "Ed25519": lambda: pem_of(ed25519.Ed25519PrivateKey.generate()),
    "under a passphrase": lambda: pem_of(rsa_key(), encryption=BestAvailableEncryption(b"secret")),
    "public": lambda: (
        rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    ),
    "cut off": lambda: pem_of(rsa_key())[:800],
    "empty": lambda: "",
    "not PEM": lambda: "hello",
    "long": lambda: "x" * 20_000,
    "not UTF-8": lambda: "\ud800",
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_is_not_sound_is_refused(case: str) -> None:
    with pytest.raises(InvalidKey) as refused:
        read_key(Secret(REFUSED[case]()))
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
@pytest.mark.parametrize("container", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_sound_rsa_keys_are_read(bits: int, container: PrivateFormat) -> None:
    key = read_key(Secret(pem_of(rsa_key(bits), container)))
    assert key.key_size == bits


# Sizes ------------------------------------------------------------------------------------------


async def test_another_size_takes_over_in_order(tenant: Rotator) -> None:
    token = await tenant.sign()
    tenant.clock.advance(1)
    await tenant.set(signing_key_bits=3072)
    await tenant.turn()
    assert [(key["rsa_bits"], key["state"]) for key in await tenant.keys()] == [
        (2048, "active"),
        (3072, "pending"),
    ]
    await tenant.later(DAY)
    assert await tenant.states() == ["retiring", "active"]
    for each in (token, await tenant.sign()):
        assert verifies(each, await tenant.jwks())
    assert not await tenant.turn(), "and stays"


async def test_a_change_of_mind_about_the_size_drops_the_key_that_never_signed(tenant: Rotator) -> None:
    for bits in (3072, 2048):
        tenant.clock.advance(1)
        await tenant.set(signing_key_bits=bits)
        await tenant.turn()
    assert await tenant.states() == ["active", "retired"]
    assert not await tenant.turn()


async def test_a_key_from_before_sizes_counts_as_2048(tenant: Rotator) -> None:
    await tenant.seed.execute(
        "update jwks.signing_keys set rsa_bits = null where tenant_id = $1", tenant.tenant_id
    )
    assert not await tenant.turn()


async def test_an_imported_key_is_not_replaced_for_its_size(tenant: Rotator) -> None:
    await import_key(tenant.context, tenant.tenant_id, Secret(pem_of(rsa_key(3072))), None)
    await tenant.later(DAY)
    await tenant.set(signing_key_bits=4096)
    await tenant.turn()
    assert sorted(await tenant.states()) == ["active", "retiring"]
