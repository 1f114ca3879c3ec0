"""What is believed of a test of a model."""

import json

import pytest

from tessera.domain.learning.model_card import AucTold, read_test


def test_an_interval_is_read() -> None:
    told = {"auc": {"value": 0.8, "low": 0.7, "high": 0.9}, "n_subjects": 60, "level": 0.95}
    assert read_test(json.dumps(told).encode()) == AucTold(0.8, 0.7, 0.9, 60, 0.95)


def test_a_bare_number_is_read() -> None:
    assert read_test(b'{"auc": 1}') == AucTold(1.0, None, None, None, None)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"auc": null}', b'{"auc": 1.2}'),
        *(b'{"auc": true}', b'{"auc": NaN}', b'{"auc": {"value": "0.8"}}'),
    ],
)
def test_what_tells_no_auc_is_no_test(content: bytes) -> None:
    assert read_test(content) is None


def test_odd_parts_are_left_out() -> None:
    told = b'{"auc": {"value": 0.8, "low": NaN, "high": "x"}, "n_subjects": -3, "level": []}'
    assert read_test(told) == AucTold(0.8, None, None, None, None)
