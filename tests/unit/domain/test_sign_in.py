"""Passwords, names, roles and addresses to go on to: what is taken and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.access.passwords import WeakPassword, require_strong
from tessera.domain.access.people import Grant, Role, mail_address, person_name, user_name
from tessera.domain.access.sign_in import next_page, token_days
from tessera.domain.errors import InvalidInput


@pytest.mark.parametrize(
    "password",
    ["four quiet tiles in a row", "åtta små fåglar", "xk7 Kd9!hq2 vv", "a-very-ordinary-sentence"],
)
def test_a_long_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    require_strong(password, "anna.ek", "Anna Ek")


@pytest.mark.parametrize(
    "password",
    [
        *("", "short", "eleven char", "x" * 257, "aaaaaaaaaaaaaaaa", "abababababababab"),
        *(
            "passwordpassword",
            "Password2024!",
            "Sommar2024!!!",
            "Lösenord123456",
            "qwertyuiopåas",
            "welcome-123456",
            "1234567890123",
        ),
        *("Lösenord123456", "qwertyuiopåas"),
        *("qwertyuiopas", "qazwsxedcrfv", "correct horse battery staple"),
        *("anna.ek@example.org", "Anna.Ek@Example.Org", "anna.ek12345", "Anna Margareta Ek"),
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        require_strong(password, "anna.ek@example.org", "Anna Margareta Ek")


@pytest.mark.parametrize(
    ("wished", "page"),
    [
        ("/account", "/account"),
        ("/search?q=a&b=%2F", "/search?q=a&b=%2F"),
        ("", "/account"),
        ("https://evil.example.org", "/account"),
        ("//evil.example.org", "/account"),
        ("/\\evil.example.org", "/account"),
        ("\\\\evil.example.org", "/account"),
        ("/\t/evil.example.org", "/account"),
        ("/x\r\nSet-Cookie: a=b", "/account"),
        ("javascript:alert(1)", "/account"),
        (" //evil.example.org", "/account"),
        ("/é", "/account"),
        ("/sign-in?next=/sign-in", "/account"),
        ("/" + "x" * 3000, "/account"),
    ],
)
def test_after_a_sign_in_nobody_is_led_to_another_site(wished: str, page: str) -> None:
    assert next_page(wished) == page


@given(st.text(max_size=40))
def test_whatever_is_wished_leads_to_a_path_of_this_hub(wished: str) -> None:
    page = next_page(wished)
    assert page[0] == "/" and page[1:2] not in ("/", "\\") and page.isprintable()


def test_roles_are_read_and_written_in_one_way() -> None:
    for text in ("researcher", "committee", "holder@linkoping", "operator@st-goran"):
        assert str(Grant.parse(text)) == text
    assert Grant.parse("holder@linkoping").role is Role.HOLDER
    for text in (
        "",
        "admin",
        "holder",
        "researcher@x",
        "holder@",
        "holder@Å",
        "holder@a@b",
    ):
        with pytest.raises(InvalidInput):
            Grant.parse(text)


def test_names_and_addresses_are_plain() -> None:
    assert user_name(" Anna.Ek@Example.org ") == "anna.ek@example.org"
    assert person_name("  Anna \n Ek ") == "Anna Ek"
    assert mail_address("") == ""
    for bad in ("", "å", "a b", ".a", "x" * 65, "a\u202eb"):
        with pytest.raises(InvalidInput):
            user_name(bad)
    for bad in ("", "x" * 201, "a\u202eb", "a\x00"):
        with pytest.raises(InvalidInput):
            person_name(bad)
    for bad in ("anna", "a@b c", "@x"):
        with pytest.raises(InvalidInput):
            mail_address(bad)


def test_a_token_lives_90_days_at_the_most() -> None:
    assert token_days("90") == 90
    for bad in ("0", "91", "-1", "x", "", "1e1", "9999"):
        with pytest.raises(InvalidInput):
            token_days(bad)
