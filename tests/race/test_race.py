"""A small race in every test run; `make race` runs ten thousand trials."""

import secrets

from deploy.local.stack import Stack
from tests.race import arena, contest


async def test_whatever_races_a_token_is_rotated_once(stores: Stack) -> None:
    seed = secrets.randbelow(2**31)
    async with arena.opened(stores) as opened:
        result = await contest.run(opened, seed, trials=60, kill_every=30)
    assert result.all_violations == [], f"seed {seed}"
    assert result.trials == 60
    assert result.kills == 2
