"""Who signs service-account tokens, as OpenID Connect has it: for those who check such tokens by themselves."""

from __future__ import annotations

from iam import jws, signing
from workloads.kinds.tokenrequests import ISSUER
from workloads.kubeapi.exchange import Reply, json_reply

_CONFIGURATION, _KEYS = [".well-known", "openid-configuration"], ["openid", "v1", "jwks"]
PLACES = (_CONFIGURATION, _KEYS)


def answer(segments: list[str]) -> Reply:
    if segments == _KEYS:
        return json_reply({"keys": [jws.jwk(key) for key in signing.keys().public.values()]})
    return json_reply(
        {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [jws.ALGORITHM],
        }
    )
