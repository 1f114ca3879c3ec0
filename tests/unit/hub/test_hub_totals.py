"""Sums of what may be told."""

from collections.abc import Sequence

import pytest

from tessera.hub.catalogue import _total


@pytest.mark.parametrize(
    ("numbers", "total"), [((), 0), ((None, None), None), ((None, 20), 20), ((10, 20), 30)]
)
def test_a_total_of_which_nothing_can_be_told_is_no_zero(
    numbers: Sequence[int | None], total: int | None
) -> None:
    assert _total(numbers) == total
