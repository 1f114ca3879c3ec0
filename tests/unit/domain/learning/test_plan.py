"""When a training begins, and when its model is released."""

import itertools

import pytest

from tessera.domain.ids import NodeId
from tessera.domain.learning.plan import (
    Begin,
    GiveUp,
    LearningState,
    SiteState,
    beginning,
    lost_node,
    n_left,
    verdict,
)

A, B, C = NodeId("a-node"), NodeId("b-node"), NodeId("c-node")
READY, EXPECTED, GONE = SiteState.READY, SiteState.EXPECTED, SiteState.GONE


@pytest.mark.parametrize(
    ("states", "min_nodes", "is_late", "wanted"),
    [
        ((READY, READY, READY), 2, False, Begin((A, B, C))),
        ((READY, READY, EXPECTED), 2, False, None),
        ((READY, READY, EXPECTED), 2, True, Begin((A, B))),
        ((READY, READY, GONE), 2, False, Begin((A, B))),
        ((READY, EXPECTED, EXPECTED), 2, True, GiveUp(1)),
        ((READY, GONE, GONE), 2, False, GiveUp(1)),
        ((EXPECTED, EXPECTED, GONE), 3, False, GiveUp(0)),
    ],
)
def test_it_begins_when_all_that_may_come_are_ready(
    states: tuple[SiteState, ...], min_nodes: int, is_late: bool, wanted: object
) -> None:
    sites = dict(zip((A, B, C), states, strict=True))
    assert beginning(sites, min_nodes, is_late=is_late) == wanted


def test_it_is_released_only_when_each_node_in_the_model_has_released_it() -> None:
    for states in itertools.product(SiteState, repeat=2):
        sites = dict(zip((A, B), states, strict=True))
        is_released = verdict(sites, {A, B})[0] is LearningState.RELEASED
        assert is_released == (set(states) == {SiteState.RELEASED}), states


def test_one_that_withholds_or_left_withholds_it_for_all() -> None:
    for bad in (SiteState.WITHHELD, GONE):
        sites = {A: SiteState.RELEASED, B: bad, C: SiteState.IN_AIRLOCK}
        assert verdict(sites, {A, B, C}) == (LearningState.WITHHELD, (B,))


def test_one_of_whose_data_nothing_is_in_the_model_has_no_say() -> None:
    sites = {A: SiteState.RELEASED, B: GONE}
    assert verdict(sites, {A}) == (LearningState.RELEASED, (A,))
    assert lost_node(sites, {A}) is None
    assert lost_node(sites, {A, B}) == B
    assert n_left(sites) == 1


def test_a_model_of_nobody_is_never_released() -> None:
    assert verdict({A: SiteState.RELEASED}, set())[0] is LearningState.IN_AIRLOCK
