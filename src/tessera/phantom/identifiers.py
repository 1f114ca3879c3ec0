"""Patient numbers of four countries, with valid check digits, all invented.

Pure. Swedish serial numbers are taken from 980 to 999 only, so that a number of
the phantom is very unlikely to be one of a living person.
"""

from datetime import date

import numpy as np


def luhn_digit(digits: str) -> str:
    """The check digit that makes `digits` + digit pass the Luhn test (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)


def is_luhn(digits: str) -> bool:
    """True when the last digit is the Luhn check digit of those before it."""
    return digits[-1] == luhn_digit(digits[:-1])


def personnummer(rng: np.random.Generator, born: date, sex: str) -> tuple[str, ...]:
    """Swedish number: 12 digits as in a PACS, with dash as in a register, 10 digits with dash."""
    serial = 980 + 2 * int(rng.integers(10)) + (1 if sex == "male" else 0)
    ten = f"{born:%y%m%d}{serial}"
    ten += luhn_digit(ten)
    century = f"{born:%Y}"[:2]
    return (century + ten, f"{century}{ten[:6]}-{ten[6:]}", f"{ten[:6]}-{ten[6:]}")


def amka(rng: np.random.Generator, born: date, sex: str) -> tuple[str, ...]:
    """Greek social security number: DDMMYY, serial (even: female), Luhn digit; also spaced."""
    serial = 5000 + 2 * int(rng.integers(2400)) + (1 if sex == "male" else 0)
    ten = f"{born:%d%m%y}{serial}"
    number = ten + luhn_digit(ten)
    return (number, number, f"{number[:6]} {number[6:]}")


def nhc(rng: np.random.Generator, born: date, sex: str) -> tuple[str, ...]:
    """Spanish case record number (7 digits), zero-filled to 10, and a DNI (8 digits, letter)."""
    number = int(rng.integers(1_000_000, 9_999_999))
    dni = int(rng.integers(90_000_000, 99_999_999))
    return (f"{number:010d}", f"{number:010d}", f"{dni:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[dni % 23]}")


def mrn(rng: np.random.Generator, born: date, sex: str) -> tuple[str, ...]:
    """Irish hospital number: a letter and 7 digits; and an invented health identifier."""
    number = int(rng.integers(1_000_000, 9_999_999))
    return (f"B{number}", f"B{number}", f"IHI{int(rng.integers(10**9, 10**10 - 1))}")


MAKERS = {"personnummer": personnummer, "amka": amka, "nhc": nhc, "mrn": mrn}
"""Each returns (id in the PACS, id in the clinical table, another id seen in the wild)."""
