"""Turns a template and values into an HTML answer in the reader's language."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from importlib import resources
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tessera.http import formats
from tessera.http.form_token import form_field
from tessera.http.language import COOKIE, LANGUAGES, Texts, chosen_language, texts
from tessera.http.rules import person_of

_YEAR_S = 365 * 24 * 3600


@cache
def environment() -> Environment:
    """Return the template environment: everything escaped, an unknown name is an error."""
    env = Environment(
        loader=PackageLoader("tessera.http"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["asset"] = _asset
    env.globals["link"] = link
    return env


@cache
def _asset(name: str) -> str:
    """Return the address of a static file, with its content's hash so that it may be cached."""
    content = resources.files("tessera.http").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:10]}"


def link(*path: str | int, **parameters: str | int) -> str:
    """Return an address on this hub, each part of it escaped; empty parameters are left out."""
    address = "/" + "/".join(quote(str(part), safe="") for part in path)
    wanted = {name: value for name, value in parameters.items() if value != ""}
    return f"{address}?{urlencode(wanted)}" if wanted else address


def render(
    request: Request,
    template: str,
    *,
    now: datetime,
    status: int = 200,
    **values: object,
) -> HTMLResponse:
    """Return the page. A language asked for by `?lang=` is kept in a cookie."""
    language = chosen_language(request)
    body = (
        environment()
        .get_template(template)
        .render(
            **page_words(texts(language), now),
            languages=[(code, _language_address(request, code)) for code in LANGUAGES],
            page_url=str(request.url.replace(query="")),
            person=person_of(request),
            csrf_field=form_field(request),
            n_work=_n_work(request),
            keeps_cohorts=getattr(request.app.state, "keeps_cohorts", False),
            has_register=getattr(request.app.state, "has_register", False),
            can_sign_in=getattr(request.state, "can_sign_in", False),
            **values,
        )
    )
    response = HTMLResponse(
        body,
        status,
        headers={"Content-Language": language, "Vary": "Accept, Accept-Language, Cookie"},
    )
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(
            COOKIE,
            language,
            max_age=_YEAR_S,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
            path="/",
        )
    return response


def page_words(words: Texts, now: datetime) -> dict[str, object]:
    """Return what templates say things with: texts, terms, numbers and dates."""
    language = words.language
    return {
        "lang": language,
        "t": words,
        "tn": partial(_counted, words),
        "term": words.term,
        "num": partial(formats.number, language=language),
        "decimal": partial(formats.decimal, language=language),
        "size": partial(formats.size, language=language),
        "day": partial(_time_element, partial(formats.day, language=language)),
        "moment": partial(_time_element, partial(formats.moment, language=language)),
        "ago": partial(_ago, words, now),
    }


def _counted(words: Texts, key: str, n: int, /, **values: object) -> Markup:
    return words.count(key, n, n=formats.number(n, words.language), **values)


def _ago(words: Texts, now: datetime, then: datetime) -> Markup:
    unit, n = formats.elapsed(now - then)
    return words.count(f"ago.{unit}", n, n=formats.number(n, words.language))


def _time_element(write: Callable[[datetime], str], value: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(formats.machine(value), write(value))


def _n_work(request: Request) -> int | None:
    """Return how much waits for who is signed in; None where there are no applications."""
    person = person_of(request)
    count = getattr(request.app.state, "n_work", None) if person else None
    return count(person) if count else None


def _language_address(request: Request, code: str) -> str:
    """Return this very page in another language."""
    parameters = [p for p in request.query_params.multi_items() if p[0] != "lang"]
    return f"{request.url.path}?{urlencode([*parameters, ('lang', code)])}"
