"""The desk: its key, its pages in both languages, and what its forms ask for."""

from pathlib import Path

import pytest

from tessera.domain.deid.pixels.findings import Box, Decision
from tests.desk_trial import KEY, LINES, TriedReviews, Visitor, tried_desk, waiting_item
from tests.pages.html_check import faults

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def reviews(tmp_path: Path) -> TriedReviews:
    reviews = TriedReviews(tmp_path)
    reviews.queue.put([waiting_item("a"), waiting_item("b", "left-over")])
    return reviews


@pytest.fixture
def desk(reviews: TriedReviews) -> Visitor:
    visitor = Visitor(tried_desk(reviews), HERE)
    visitor.get(f"/?key={KEY}")
    return visitor


def token(page: str) -> str:
    return page.split('name="form_token" value="')[1].split('"')[0]


def test_without_the_key_nothing_is_shown(reviews: TriedReviews) -> None:
    client = Visitor(tried_desk(reviews), HERE)
    item = waiting_item("a").item_id
    for path in ("/", f"/items/{item}", f"/items/{item}/pictures/0.png", "/remembered", "/?key=x"):
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "tessera node review open" in answer.text
    client.cookies.set("tessera_desk", KEY[:-1] + "x")
    assert client.get("/").status_code == 403


def test_another_name_for_this_computer_is_not_answered(reviews: TriedReviews) -> None:
    client = Visitor(tried_desk(reviews), "http://evil.example:8000")
    assert client.get(f"/?key={KEY}").status_code == 421


def test_the_key_leaves_the_address_at_once(reviews: TriedReviews) -> None:
    client = Visitor(tried_desk(reviews), HERE, follows=False)
    answer = client.get(f"/remembered?lang=sv&key={KEY}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/remembered?lang=sv")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_pages_are_whole_html_and_are_kept_nowhere(desk: Visitor, language: str) -> None:
    for path in ("/", f"/items/{waiting_item('a').item_id}", "/remembered", "/nowhere"):
        answer = desk.get(path, params={"lang": language})
        assert answer.headers["cache-control"] == "no-store"
        assert faults(answer.text) == [], path
    page = desk.get(f"/items/{waiting_item('a').item_id}").text
    for _, _, text, _, _, _ in LINES:
        assert text in page


def test_the_proposal_is_what_the_form_says_unless_it_is_changed(
    desk: Visitor, reviews: TriedReviews
) -> None:
    item = waiting_item("a")
    page = desk.get(f"/items/{item.item_id}").text
    form = {"form_token": token(page), "verdict": "clean", "remember": "yes"}
    form |= {"box-1": "blank", "box-2": "blank", "box-3": "keep", "box-4": "keep"}
    form["more"] = "5,6,70,80\n0,0,640,40"
    answer = desk.post(f"/items/{item.item_id}", data=form)
    assert answer.url.path == f"/items/{waiting_item('b').item_id}"
    ((asked, decisions, remember),) = reviews.asked
    assert (asked, remember) == (item.item_id, True)
    assert [one.blank for one in decisions] == [True, True, False, False, True, True]
    assert decisions[-1] == Decision(Box(0, 0, 640, 40), blank=True)
    assert "Universitetssjukhuset" in desk.get("/remembered").text
    assert len(reviews.remembered()) == 1


@pytest.mark.parametrize(
    "change", [{"box-4": ""}, {"more": "1,2,3"}, {"more": "a,b,c,d"}, {"more": "1,1,0,5"}]
)
def test_what_is_not_decided_is_asked_again(
    desk: Visitor, reviews: TriedReviews, change: dict[str, str]
) -> None:
    item = waiting_item("a")
    page = desk.get(f"/items/{item.item_id}").text
    form = {"form_token": token(page), "verdict": "clean", **change}
    form = {f"box-{n}": "blank" for n in (1, 2, 3, 4)} | form
    answer = desk.post(f"/items/{item.item_id}", data=form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert reviews.asked == []


def test_a_form_from_elsewhere_decides_nothing(desk: Visitor, reviews: TriedReviews) -> None:
    item = waiting_item("a")
    for form in ({"verdict": "refuse"}, {"verdict": "refuse", "form_token": "x"}):
        assert desk.post(f"/items/{item.item_id}", data=form).status_code >= 400
    given = token(desk.get(f"/items/{item.item_id}").text)
    crossing = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    form = {"verdict": "refuse", "form_token": given}
    assert desk.post(f"/items/{item.item_id}", data=form, headers=crossing).status_code >= 400
    assert len(reviews.waiting()) == 2


def test_keeping_out_and_forgetting(desk: Visitor, reviews: TriedReviews) -> None:
    item = waiting_item("a")
    page = desk.get(f"/items/{item.item_id}").text
    desk.post(f"/items/{item.item_id}", data={"verdict": "refuse", "form_token": token(page)})
    assert [one.item_id for one in reviews.waiting()] == [waiting_item("b").item_id]
    assert dict(reviews.queue.closed()) == {"refused": 1}
