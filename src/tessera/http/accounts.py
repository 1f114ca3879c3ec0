"""Pages to sign in and out, and a person's own account."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.access.passwords import MIN_LENGTH, WeakPassword
from tessera.domain.access.people import OF_A_NODE, Person
from tessera.domain.access.sign_in import (
    LinkOver,
    SignInAgain,
    SignInRefused,
    next_page,
    token_days,
)
from tessera.domain.errors import InvalidInput, TesseraError
from tessera.http.errors import status_of
from tessera.http.form_token import give_form_secret, require_own_form, set_cookie
from tessera.http.identify import form_cookie, session_cookie, signed_in_of
from tessera.http.limits import asker
from tessera.http.pages import Clock, utc_now
from tessera.http.rendering import link, render
from tessera.http.rules import PUBLIC, SIGNED_IN, Endpoint, Rule, RuledRoute
from tessera.http.slow_calls import slowly
from tessera.hub.accounts import Accounts
from tessera.hub.sign_in import SignedIn
from tessera.hub.sign_in_limits import SignInLater

TOKEN_DAYS: Final = (7, 30, 90)
_FORM_S: Final = 12 * 3600


def routes(accounts: Accounts, *, now: Clock = utc_now) -> list[RuledRoute]:
    """Return the routes of the pages."""
    pages = _Pages(accounts, now)
    return [
        RuledRoute("/sign-in", pages.sign_in, PUBLIC),
        _post("/sign-in", pages.signing_in, PUBLIC),
        _post("/sign-out", pages.sign_out, SIGNED_IN),
        RuledRoute("/account", pages.account, SIGNED_IN),
        RuledRoute("/account/set-password", pages.invited, PUBLIC),
        _post("/account/set-password", pages.accept, PUBLIC),
        RuledRoute("/account/password", pages.to_account, SIGNED_IN),
        RuledRoute("/account/tokens", pages.to_account, SIGNED_IN),
        _post("/account/password", pages.change_password, SIGNED_IN),
        _post("/account/sessions/end", pages.end_session, SIGNED_IN),
        _post("/account/tokens", pages.new_token, SIGNED_IN),
        _post("/account/tokens/revoke", pages.revoke_token, SIGNED_IN),
        _post("/account/keys/revoke", pages.revoke_key, SIGNED_IN),
    ]


def _post(path: str, endpoint: Endpoint, rule: Rule) -> RuledRoute:
    return RuledRoute(path, endpoint, rule, methods=("POST",))


def address_of(request: Request) -> str:
    """Return whose attempts are counted together."""
    return asker(request.client.host) if request.client else ""


def begin_session(
    accounts: Accounts, request: Request, person: Person, how: str, wished: str
) -> Response:
    """Begin a session with a new id, end the one before, and go to the wished page of ours."""
    before = request.cookies.get(session_cookie(accounts), "")
    if before:
        accounts.sign_ins.end(before)
    secret = accounts.sign_ins.begin(person, how=how, browser=request.headers.get("user-agent", ""))
    response = RedirectResponse(next_page(wished), 303, headers={"Cache-Control": "no-store"})
    set_cookie(response, session_cookie(accounts), secret, is_https=accounts.is_https)
    _drop_cookie(response, form_cookie(accounts), accounts)
    return response


def sign_in_page(
    accounts: Accounts,
    request: Request,
    now: Clock,
    *,
    wished: str = "",
    user: str = "",
    trouble: str = "",
    status: int = 200,
    wait_s: int = 0,
) -> Response:
    """Return the form. `trouble` is the last part of a text's key: wrong, later, provider."""
    secret = give_form_secret(request)
    wished = next_page(wished, "")
    response = render(
        request,
        "sign_in.html",
        now=now(),
        status=status,
        wished=wished,
        user=user,
        trouble=trouble,
        provider=accounts.provider.name if accounts.provider else "",
        provider_address=f"/sign-in/provider?{urlencode({'next': wished})}",
    )
    response.headers["Cache-Control"] = "no-store"
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    if not getattr(request.state, "by_cookie", False):
        set_cookie(
            response,
            form_cookie(accounts),
            secret,
            is_https=accounts.is_https,
            max_age_s=_FORM_S,
        )
    return response


@dataclass(frozen=True, slots=True)
class _Pages:
    accounts: Accounts
    now: Clock

    async def sign_in(self, request: Request) -> Response:
        wished = request.query_params.get("next", "")
        return sign_in_page(self.accounts, request, self.now, wished=wished)

    async def signing_in(self, request: Request) -> Response:
        # Also before anybody is signed in: nobody is to be signed in as somebody else.
        await require_own_form(request)
        form = await _form(request)
        wished, user = form.get("next", ""), form.get("user", "")
        try:
            person = await slowly(
                self.accounts.sign_ins.by_password,
                user,
                form.get("password", ""),
                address_of(request),
            )
        except (SignInRefused, SignInLater) as err:
            is_later = isinstance(err, SignInLater)
            return sign_in_page(
                self.accounts,
                request,
                self.now,
                wished=wished,
                user=user[:100],
                trouble="later" if is_later else "wrong",
                status=status_of(type(err)),
                wait_s=err.wait_s if isinstance(err, SignInLater) else 0,
            )
        return begin_session(self.accounts, request, person, "password", wished)

    async def sign_out(self, request: Request) -> Response:
        name = session_cookie(self.accounts)
        self.accounts.sign_ins.end(request.cookies.get(name, ""))
        response = RedirectResponse("/", 303)
        _drop_cookie(response, name, self.accounts)
        return response

    async def account(self, request: Request) -> Response:
        return self._account(request)

    async def to_account(self, request: Request) -> Response:
        """Where a form was answered, its address leads back to the page of the form."""
        language = request.query_params.get("lang", "")
        return RedirectResponse(link("account", lang=language), 303)

    async def invited(self, request: Request) -> Response:
        return self._password_page(request, request.query_params.get("code", ""))

    async def accept(self, request: Request) -> Response:
        await require_own_form(request)
        form = await _form(request)
        code, first = form.get("code", ""), form.get("password", "")
        if first != form.get("again", ""):
            return self._password_page(request, code, trouble="differ", status=400)
        try:
            person = await slowly(self.accounts.accept, code, first)
        except WeakPassword:
            return self._password_page(request, code, trouble="weak", status=400)
        except LinkOver:
            return self._password_page(request, code)
        return begin_session(self.accounts, request, person, "password", "/account")

    async def change_password(self, request: Request) -> Response:
        by, form = signed_in_of(request), await _form(request)
        first = form.get("password", "")
        if first != form.get("again", ""):
            return self._account(request, trouble="differ", status=400)
        session = by.session.session_sha256 if by.session else ""
        change: Callable[[], None] = lambda: self.accounts.change_password(  # noqa: E731
            by.person.person_id,
            form.get("old", ""),
            first,
            address_of(request),
            session_sha256=session,
        )
        try:
            await slowly(change)
        except WeakPassword:
            return self._account(request, trouble="weak", status=400)
        except SignInRefused:
            return self._account(request, trouble="wrong", status=400)
        except SignInLater as err:
            return self._account(request, trouble="later", status=status_of(type(err)))
        return self._account(request, done="password")

    async def end_session(self, request: Request) -> Response:
        by, form = signed_in_of(request), await _form(request)
        self.accounts.sign_ins.end_session(by.person.person_id, form.get("session", ""))
        return RedirectResponse("/account#sessions", 303)

    async def new_token(self, request: Request) -> Response:
        by, form = signed_in_of(request), await _form(request)
        if by.session is None:
            # Else a stolen token could go on for ever under other names.
            raise SignInAgain("a token makes no other token")
        self.accounts.sign_ins.require_fresh(by)
        try:
            days = token_days(form.get("days", ""))
            token, _ = self.accounts.sign_ins.new_token(by.person, form.get("name", ""), days)
        except InvalidInput:
            return self._account(request, trouble="token", status=400)
        return self._account(request, new_token=token)

    async def revoke_token(self, request: Request) -> Response:
        by, form = signed_in_of(request), await _form(request)
        self.accounts.sign_ins.revoke_token(by.person.person_id, form.get("token", ""))
        return RedirectResponse("/account#tokens", 303)

    async def revoke_key(self, request: Request) -> Response:
        by, form = signed_in_of(request), await _form(request)
        self.accounts.person_keys.revoke(by.person.person_id, form.get("key", ""))
        return RedirectResponse("/account#keys", 303)

    def _account(
        self,
        request: Request,
        *,
        trouble: str = "",
        done: str = "",
        new_token: str = "",
        status: int = 200,
    ) -> Response:
        by = signed_in_of(request)
        person_id = by.person.person_id
        kept = self.accounts.store.accounts
        account = self.accounts.named(person_id)
        return render(
            request,
            "account.html",
            now=self.now(),
            status=status,
            user=account.user_name,
            has_password=bool(account.password_hash),
            grants=sorted(by.person.grants, key=str),
            of_a_node=OF_A_NODE,
            node_names=self._node_names(),
            sessions=kept.sessions.of(person_id),
            own_session=by.session.session_sha256 if by.session else "",
            tokens=kept.tokens.of(person_id),
            token_days=TOKEN_DAYS,
            keys=kept.keys.of(person_id),
            is_fresh=self._is_fresh(by),
            hub_url=self.accounts.url,
            trouble=trouble,
            done=done,
            new_token=new_token,
            min_length=MIN_LENGTH,
        )

    def _is_fresh(self, by: SignedIn) -> bool:
        try:
            self.accounts.sign_ins.require_fresh(by)
        except TesseraError:
            return False
        return True

    def _node_names(self) -> Mapping[str, str]:
        return {node.node_id: node.name for node in self.accounts.store.nodes.all()}

    def _password_page(
        self, request: Request, code: str, *, trouble: str = "", status: int = 200
    ) -> Response:
        secret = give_form_secret(request)
        try:
            user = self.accounts.invited(code).user_name
        except LinkOver:
            user, trouble, status = "", "link", 410
        response = render(
            request,
            "account_password.html",
            now=self.now(),
            status=status,
            code=code,
            user=user,
            trouble=trouble,
            min_length=MIN_LENGTH,
        )
        response.headers["Cache-Control"] = "no-store"
        if not getattr(request.state, "by_cookie", False):
            is_https = self.accounts.is_https
            name = form_cookie(self.accounts)
            set_cookie(response, name, secret, is_https=is_https, max_age_s=_FORM_S)
        return response


def _drop_cookie(response: Response, name: str, accounts: Accounts) -> None:
    set_cookie(response, name, "", is_https=accounts.is_https, max_age_s=0)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of text; a file in a form of ours is none."""
    return {k: v for k, v in (await request.form()).items() if isinstance(v, str)}
