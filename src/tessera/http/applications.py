"""Pages of applications: one's own, one by one, and what waits for a person."""

from dataclasses import dataclass
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.access.application_commands import Submit, lacking
from tessera.domain.access.application_state import AccessApplication, Stage
from tessera.domain.access.clocks import clocks
from tessera.domain.access.form import form
from tessera.domain.access.permit import AccessMode
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.http import application_view as view
from tessera.http.errors import status_of
from tessera.http.language import chosen_language
from tessera.http.pages import Clock, utc_now
from tessera.http.rendering import link, render
from tessera.http.rules import SIGNED_IN, RuledRoute, signed_in
from tessera.hub.negotiating import Negotiating
from tessera.wire.applications import (
    Rewrite,
    WrittenContents,
    wish_from_json,
    written_from_json,
)


def routes(negotiating: Negotiating, *, now: Clock = utc_now) -> list[RuledRoute]:
    """Return the routes of the pages."""
    pages = _Pages(negotiating, now)
    one = "/applications/{application_id}"
    return [
        RuledRoute("/applications", pages.applications, SIGNED_IN),
        RuledRoute("/applications/new", pages.new, SIGNED_IN),
        RuledRoute("/applications/new", pages.begin, SIGNED_IN, methods=("POST",)),
        RuledRoute(one, pages.application, SIGNED_IN),
        RuledRoute(f"{one}/edit", pages.edit, SIGNED_IN, methods=("POST",)),
        RuledRoute(f"{one}/step", pages.step, SIGNED_IN, methods=("POST",)),
        RuledRoute("/work", pages.work, SIGNED_IN),
    ]


@dataclass(frozen=True, slots=True)
class _Pages:
    negotiating: Negotiating
    now: Clock

    async def applications(self, request: Request) -> Response:
        person = signed_in(request)
        visible = self.negotiating.visible(person)
        return render(
            request,
            "applications.html",
            now=self.now(),
            at=self.now(),
            own=[state for state in visible if state.is_own(person.person_id)],
            others=[state for state in visible if not state.is_own(person.person_id)],
            news=self.negotiating.news(person),
            turns=self.negotiating.turns,
            names=self.negotiating.names([state.applicant for state in visible]),
            who_waits=view.who_waits,
        )

    async def work(self, request: Request) -> Response:
        person = signed_in(request)
        waiting = self.negotiating.work(person)
        return render(
            request,
            "work.html",
            now=self.now(),
            at=self.now(),
            waiting=[one for one in waiting if one.turn.due_at is not None],
            drafts=[one.application for one in waiting if one.turn.due_at is None],
            news=self.negotiating.news(person),
            visible={s.application_id: s for s in self.negotiating.visible(person)},
            names=self.negotiating.names([one.application.applicant for one in waiting]),
            who_waits=view.who_waits,
        )

    async def new(self, request: Request) -> Response:
        language = chosen_language(request)
        titles = [section.title[language] for section in form().sections]
        draft = self.negotiating.open_draft(signed_in(request))
        return render(
            request,
            "application_new.html",
            now=self.now(),
            sections=titles,
            draft=draft,
            clocks=clocks(),
        )

    async def begin(self, request: Request) -> Response:
        person = signed_in(request)
        written = WrittenContents(
            answers={"organisation": (person.organisation,)} if person.organisation else {}
        )
        state = await run_in_threadpool(self.negotiating.draft, person, written)
        return _to(state)

    async def application(self, request: Request) -> Response:
        person = signed_in(request)
        state = self.negotiating.find(person, request.path_params["application_id"])
        may = view.allowed(state, person)
        wants_edit = state.stage is Stage.DRAFT or "edit" in request.query_params
        if may.edit and wants_edit and "read" not in request.query_params:
            return self._edit_page(request, state, is_checked="check" in request.query_params)
        return self._page(request, state)

    async def edit(self, request: Request) -> Response:
        """Save; with the button `submit` also submit, when nothing is missing."""
        person = signed_in(request)
        application_id = request.path_params["application_id"]
        posted = await request.form()
        state = self.negotiating.find(person, application_id)
        try:
            written = written_from_json(view.posted_contents(posted, state.contents))
            number = str(posted.get("number", ""))
            expected = int(number) if number.isdecimal() and len(number) < 10 else None
            state = await run_in_threadpool(
                lambda: self.negotiating.step(
                    person, application_id, Rewrite(written), expected=expected
                )
            )
        except (InvalidInput, Conflict) as err:
            return self._edit_page(request, state, is_checked=False, trouble=err, posted=posted)
        if posted.get("go") == "submit" and state.stage is Stage.DRAFT:
            if lacking(state.contents):
                return RedirectResponse(f"{_address(state)}?check=1#missing", 303)
            state = await run_in_threadpool(self.negotiating.step, person, application_id, Submit())
            return _to(state)
        if posted.get("go") == "read":
            return RedirectResponse(f"{_address(state)}?read=1", 303)
        return RedirectResponse(f"{_address(state)}?edit=1&saved=1", 303)

    async def step(self, request: Request) -> Response:
        person = signed_in(request)
        application_id = request.path_params["application_id"]
        posted = await request.form()
        state = self.negotiating.find(person, application_id)
        body = view.posted_step(posted)
        try:
            wish = wish_from_json({"text": "", "reason": "", **body})
            command_id = str(body.get("command_id", "")) or None
            state = await run_in_threadpool(
                lambda: self.negotiating.step(person, application_id, wish, command_id=command_id)
            )
        except (InvalidInput, Conflict) as err:
            return self._page(request, self.negotiating.find(person, application_id), trouble=err)
        try:
            self.negotiating.find(person, application_id)
        except NotFound:
            return RedirectResponse("/applications", 303)
        return _to(state)

    def _page(
        self,
        request: Request,
        state: AccessApplication,
        *,
        trouble: InvalidInput | Conflict | None = None,
    ) -> Response:
        person = signed_in(request)
        seen = self.negotiating.visit(person, state)
        events = self.negotiating.history(person, state.application_id)
        ids = [*state.persons, *(event.by for event in events)]
        names = self.negotiating.names(ids)
        return render(
            request,
            "application.html",
            now=self.now(),
            at=self.now(),
            status=status_of(type(trouble)) if trouble else 200,
            trouble=trouble,
            state=state,
            contents=state.contents,
            parts_of_form=view.parts(state.contents, chosen_language(request)),
            turns=self.negotiating.turns(state),
            my_turns=self.negotiating.turns_of(person, state),
            who_waits=view.who_waits,
            may=view.allowed(state, person),
            is_own=state.is_own(person.person_id),
            names=names,
            lines=view.timeline(state, events, names, seen),
            without_key=self.negotiating.without_key(state),
            steps=view.STEPS,
            command_id=str(uuid4()),
            holders={one.node_id: one.holder for one in state.contents.datasets},
        )

    def _edit_page(
        self,
        request: Request,
        state: AccessApplication,
        *,
        is_checked: bool,
        trouble: InvalidInput | Conflict | None = None,
        posted: FormData | None = None,
    ) -> Response:
        person = signed_in(request)
        self.negotiating.visit(person, state)
        contents = state.contents
        members = ", ".join(self.negotiating.user_names(contents.members))
        months: object = contents.months
        if trouble is not None and posted is not None:
            # What was typed stays on the page, though it could not be kept.
            contents, members, months = view.as_typed(posted, contents)
        return render(
            request,
            "application_edit.html",
            now=self.now(),
            status=status_of(type(trouble)) if trouble else 200,
            trouble=trouble,
            state=state,
            contents=contents,
            parts_of_form=view.parts(contents, chosen_language(request), is_checked=is_checked),
            missing=view.missing_parts(contents) if is_checked else (),
            is_checked=is_checked and bool(lacking(contents)),
            saved="saved" in request.query_params,
            members=members,
            months=months,
            modes=tuple(AccessMode),
            tools=self.negotiating.tools(),
            chosen_tools={tool.digest for tool in contents.tools},
        )


def _address(state: AccessApplication) -> str:
    return link("applications", state.application_id)


def _to(state: AccessApplication) -> Response:
    return RedirectResponse(_address(state), 303)
