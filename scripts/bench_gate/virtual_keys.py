"""Virtual keys for LiteLLM without its database: its documented `custom_auth` hook, with a key table in memory.

LiteLLM keeps virtual keys in Postgres behind the Prisma engine, a native program that its installer downloads from outside
the package registry. This hook returns what the look-up in LiteLLM's own cache of keys would: the hashed key with its limits.
LiteLLM's limiter then enforces them as for any virtual key. It costs less than the real look-up, in LiteLLM's favour.
"""

import hmac
import os

from litellm.proxy._types import ProxyException, UserAPIKeyAuth, hash_token

UNREACHABLE = 1_000_000_000
KEY_HASH = hash_token(os.environ["BENCH_VIRTUAL_KEY"])


async def authenticate(request, api_key):
    hashed = hash_token(api_key)
    if not hmac.compare_digest(hashed, KEY_HASH):
        raise ProxyException(message="no such key", type="auth_error", param="key", code=401)
    return UserAPIKeyAuth(
        api_key=hashed,
        token=hashed,
        key_alias="bench",
        user_id="bench",
        models=["stand-in"],
        rpm_limit=UNREACHABLE,
        tpm_limit=UNREACHABLE,
        max_parallel_requests=UNREACHABLE,
        user_rpm_limit=UNREACHABLE,
        user_tpm_limit=UNREACHABLE,
    )
