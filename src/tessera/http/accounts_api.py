"""Accounts for programs: a token for a password, and the keys of a person."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.access.sign_in import TOKEN_LONGEST_DAYS
from tessera.http.accounts import address_of
from tessera.http.identify import signed_in_of
from tessera.http.rules import PUBLIC, SIGNED_IN, RuledRoute
from tessera.http.slow_calls import slowly
from tessera.hub.accounts import Accounts
from tessera.ports.accounts import KeyRecord, TokenRecord
from tessera.wire import fields
from tessera.wire.accounts import person_to_json
from tessera.wire.fields import moment_text, moment_text_or_none


def routes(accounts: Accounts) -> list[RuledRoute]:
    """Return the REST routes."""
    api = _Api(accounts)
    return [
        RuledRoute("/api/v1/sign-in", api.sign_in, PUBLIC, methods=("POST",)),
        RuledRoute("/api/v1/account", api.account, SIGNED_IN),
        RuledRoute("/api/v1/account/sign-out", api.sign_out, SIGNED_IN, methods=("POST",)),
        RuledRoute("/api/v1/account/tokens", api.tokens, SIGNED_IN),
        RuledRoute(
            "/api/v1/account/tokens/{token_id}", api.revoke_token, SIGNED_IN, methods=("DELETE",)
        ),
        RuledRoute("/api/v1/account/keys", api.add_key, SIGNED_IN, methods=("POST",)),
        RuledRoute("/api/v1/account/keys/challenge", api.challenge, SIGNED_IN, methods=("POST",)),
        RuledRoute(
            "/api/v1/account/keys/{fingerprint}", api.revoke_key, SIGNED_IN, methods=("DELETE",)
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Api:
    accounts: Accounts

    async def sign_in(self, request: Request) -> Response:
        """Give a token to somebody who knows the password."""
        body = fields.decode(await request.body())
        person = await slowly(
            self.accounts.sign_ins.by_password,
            fields.text(body, "user"),
            fields.text(body, "password"),
            address_of(request),
        )
        days = fields.natural_or_none(body, "days")
        token, record = self.accounts.sign_ins.new_token(
            person,
            fields.text(body, "name"),
            TOKEN_LONGEST_DAYS if days is None else days,
            how="token",
        )
        answer = {"token": token, **_token_json(record), "person": person_to_json(person)}
        return JSONResponse(answer, 201, {"Cache-Control": "no-store"})

    async def account(self, request: Request) -> Response:
        by = signed_in_of(request)
        keys = self.accounts.store.accounts.keys.of(by.person.person_id)
        body = {
            "person": person_to_json(by.person),
            "token": _token_json(by.token) if by.token else None,
            "keys": [_key_json(key) for key in keys],
            "hub": self.accounts.person_keys.hub_key,
        }
        return JSONResponse(body)

    async def sign_out(self, request: Request) -> Response:
        """Revoke the token, or end the session, that the request came with."""
        by = signed_in_of(request)
        if by.token:
            self.accounts.sign_ins.revoke_token(by.person.person_id, by.token.token_id)
        elif by.session:
            session = by.session.session_sha256
            self.accounts.sign_ins.end_session(by.person.person_id, session)
        return JSONResponse({"ended": True})

    async def tokens(self, request: Request) -> Response:
        person_id = signed_in_of(request).person.person_id
        tokens = self.accounts.store.accounts.tokens.of(person_id)
        return JSONResponse({"tokens": [_token_json(token) for token in tokens]})

    async def revoke_token(self, request: Request) -> Response:
        person_id = signed_in_of(request).person.person_id
        self.accounts.sign_ins.revoke_token(person_id, request.path_params["token_id"])
        return JSONResponse({"ended": True})

    async def challenge(self, request: Request) -> Response:
        text = self.accounts.person_keys.challenge(signed_in_of(request))
        return JSONResponse({"challenge": text, "hub": self.accounts.person_keys.hub_key}, 201)

    async def add_key(self, request: Request) -> Response:
        body = fields.decode(await request.body())
        by = signed_in_of(request)
        key = self.accounts.person_keys.add(by.person, fields.text(body, "proof"))
        return JSONResponse(_key_json(key), 201)

    async def revoke_key(self, request: Request) -> Response:
        person_id = signed_in_of(request).person.person_id
        self.accounts.person_keys.revoke(person_id, request.path_params["fingerprint"])
        return JSONResponse({"ended": True})


def _token_json(token: TokenRecord) -> dict[str, object]:
    return {
        "token_id": token.token_id,
        "name": token.name,
        "created_at": moment_text(token.created_at),
        "expires_at": moment_text(token.expires_at),
        "last_used": moment_text_or_none(token.last_used),
    }


def _key_json(key: KeyRecord) -> dict[str, object]:
    return {
        "fingerprint": key.public_key.fingerprint,
        "public_key": key.public_key.x,
        "label": key.label,
        "created_at": moment_text(key.created_at),
        "revoked_at": moment_text_or_none(key.revoked_at),
    }
