"""The gate for updates: each way in which something else than an update could leave."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.access.airlock_search import Known
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.learning.update_gate import (
    METRICS,
    Fault,
    GateRules,
    Given,
    Update,
    UpdateRefused,
    check_global,
    given_by,
    release_initial,
    release_update,
    shortened,
    told_metrics,
)
from tessera.domain.zones import Released
from tessera.wire.update_frames import update_frame

PSEUDONYM = "TES-ABCDEFGH23456722"
UID = "1.2.826.0.1.3680043.10.98.12345678901234567890"
RULES = GateRules(rounds=3, policy=CountPolicy(10, 10), max_bytes=10_000, max_change=5.0)
KNOWN = Known(
    minimum=10,
    n_subjects=40,
    subjects=frozenset({PSEUDONYM}),
    uids=frozenset({UID}),
    hashes=frozenset({"ab12cd34ef56ab78" * 4}),
)


def model(**more: object) -> dict[str, np.ndarray]:
    made = {
        "w": np.arange(64, dtype=np.float64).reshape(8, 8) / 64,
        "b": np.zeros(16, np.float32),
        "spec": np.frombuffer(b"toy", np.uint8),
    }
    return made | {name: np.asarray(value) for name, value in more.items()}


def made(weights: Mapping[str, np.ndarray] | None = None, **more: object) -> Given:
    first = Given(
        n_subjects=40,
        n_samples=83,
        metrics={"loss": 0.512345},
        weights=model() if weights is None else weights,
    )
    return replace(first, **more)  # type: ignore[arg-type]


def released(given: Given, *, number: int = 1, last: int = 0) -> Update:
    return release_update(
        "use", given, model(), number=number, last=last, rules=RULES, known=KNOWN
    ).value


def refused(given: Given, *, number: int = 1, last: int = 0) -> Fault:
    with pytest.raises(UpdateRefused) as told:
        released(given, number=number, last=last)
    return told.value.fault


def test_an_update_leaves_with_rounded_counts_and_metrics() -> None:
    update = released(made())
    assert (update.round, update.n_samples, update.metrics) == (1, 80, {"loss": 0.512})
    assert all(np.array_equal(update.weights[name], one) for name, one in model().items())


def test_nobody_can_change_the_weights_behind_the_gate() -> None:
    weights = model()
    update = released(made(weights))
    weights["w"][0, 0] = 77
    assert update.weights["w"][0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        update.weights["w"][0, 0] = 77  # type: ignore[index]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_do_not_leave(bad: float) -> None:
    weights = model()
    weights["w"][3, 3] = bad
    assert refused(made(weights)) is Fault.MODEL


@pytest.mark.parametrize(
    "weights",
    [
        model(more=np.zeros(3)),
        {name: one for name, one in model().items() if name != "b"},
        model(w=np.zeros((8, 9))),
        model(w=np.zeros((64,))),
        model(w=np.zeros((8, 8), np.float32)),
        model(w=np.zeros((8, 8), ">f8")),
        model(w=np.zeros((8, 8), np.complex128)),
        model(w=np.full((8, 8), "x")),
        model(b=np.zeros(16, bool)),
        {},
    ],
)
def test_another_model_than_the_first_does_not_leave(weights: dict[str, np.ndarray]) -> None:
    assert refused(made(weights)) is Fault.MODEL


def test_whole_numbers_cannot_carry_anything() -> None:
    assert refused(made(model(spec=np.frombuffer(b"ill", np.uint8)))) is Fault.MODEL
    with pytest.raises(UpdateRefused, match="whole numbers"):
        release_initial("use", made(model(spec=np.zeros(1001, np.uint8))), RULES, KNOWN)


@pytest.mark.parametrize(("number", "last"), [(0, 0), (-1, 0), (4, 3), (4, 0), (2, 2), (1, 2)])
def test_a_round_is_answered_once_in_order_and_only_if_signed_for(number: int, last: int) -> None:
    assert refused(made(), number=number, last=last) is Fault.ROUND


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"n_subjects": 9}, Fault.FEW_SUBJECTS),
        ({"n_subjects": 0}, Fault.FEW_SUBJECTS),
        ({"n_samples": 9}, Fault.FEW_SUBJECTS),
        ({"n_subjects": 41}, Fault.FORM),
        ({"metrics": {"subject TES-1": 1.0}}, Fault.FORM),
        ({"metrics": {"age_of_the_oldest": 91.0}}, Fault.FORM),
    ],
)
def test_small_groups_and_strange_metrics_do_not_leave(
    more: dict[str, object], fault: Fault
) -> None:
    assert refused(made(**more)) is fault


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"n_subjects": 40},
        {"n_subjects": "40", "n_samples": 40},
        {"n_subjects": True, "n_samples": 40},
        {"n_subjects": 40, "n_samples": -1},
        {"n_subjects": 40, "n_samples": 40, "metrics": [1]},
        {"n_subjects": 40, "n_samples": 40, "metrics": {"loss": "TES-1"}},
        {"n_subjects": 40, "n_samples": 40, "metrics": {"loss": True}},
        {"n_subjects": 40, "n_samples": 40, "metrics": {"loss": float("nan")}},
        {"n_subjects": 40, "n_samples": 40, "metrics": {"loss": 1e300}},
        {"n_subjects": 40, "n_samples": 40, "metrics": {"loss": {"a": 1}}},
    ],
)
def test_a_header_of_another_form_is_refused(header: dict[str, object]) -> None:
    with pytest.raises(UpdateRefused) as told:
        given_by(header, model())
    assert told.value.fault is Fault.FORM


def test_too_large_a_model_is_refused_as_are_names_that_are_texts() -> None:
    large = model(w=np.zeros((40, 40)))
    with pytest.raises(UpdateRefused) as told:
        release_initial("use", made(large), RULES, KNOWN)
    assert told.value.fault is Fault.SIZE
    for name in ("", "a name", "ä", "x" * 200, "a\n"):
        with pytest.raises(UpdateRefused, match="no name"):
            release_initial("use", made(model(**{name: np.zeros(2)})), RULES, KNOWN)


def _with_bytes(text: str) -> dict[str, np.ndarray]:
    padded = text.encode().ljust(512)[:512]
    floats = np.frombuffer(padded, np.float64).reshape(8, 8)
    assert np.isfinite(floats).all()
    return model(w=floats)


@pytest.mark.parametrize("text", [PSEUDONYM, UID, "ab12cd34ef56ab78" * 4])
def test_identifiers_in_the_weights_do_not_leave_in_any_round(text: str) -> None:
    codes = np.zeros(64)
    codes[: len(text)] = list(text.encode()[:64])
    for weights in (_with_bytes(text), model(w=codes.reshape(8, 8))):
        with pytest.raises(UpdateRefused) as told:
            release_initial("use", made(weights), RULES, KNOWN)
        assert told.value.fault is Fault.SUBJECT
        rules = replace(RULES, max_change=1e9)
        with pytest.raises(UpdateRefused) as told:
            release_update(
                "use", made(weights), model(), number=1, last=0, rules=rules, known=KNOWN
            )
        assert told.value.fault is Fault.SUBJECT
    with pytest.raises(UpdateRefused) as told:
        release_initial("use", made(model(**{text: np.zeros(2)})), RULES, KNOWN)
    assert told.value.fault is Fault.SUBJECT


def test_only_a_released_update_becomes_a_frame() -> None:
    update = released(made())
    with pytest.raises(TypeError):
        update_frame(update)  # type: ignore[arg-type]
    frame = update_frame(
        release_update("use", made(), model(), number=1, last=0, rules=RULES, known=KNOWN)
    )
    assert frame.header == {"type": "update", "n_samples": 80, "metrics": {"loss": 0.512}}
    assert frame.arrays().keys() == model().keys()
    first: Released[Update] = release_initial("use", made(), RULES, KNOWN)
    assert update_frame(first).header == {"type": "weights"}  # no counts, no metrics


def test_what_the_hub_sends_must_be_the_same_model() -> None:
    check_global(model(), model(w=np.ones((8, 8))))
    for found in (model(w=np.full((8, 8), np.nan)), model(more=np.zeros(2)), model(spec=[1, 2, 3])):
        with pytest.raises(UpdateRefused):
            check_global(model(), found)


@given(st.floats(1e-3, 1e6), st.integers(0, 2**32 - 1))
def test_no_update_is_farther_from_its_beginning_than_the_limit(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    new = model(w=rng.normal(size=(8, 8)) * scale, b=rng.normal(size=16).astype(np.float32) * 3)
    base = model()
    kept = shortened(base, new, 5.0)
    moved = {name: kept[name].astype(float) - base[name].astype(float) for name in base}
    distance = np.sqrt(sum(float((one**2).sum()) for one in moved.values()))
    assert distance <= 5.0 * (1 + 1e-5)
    asked = {name: new[name].astype(float) - base[name].astype(float) for name in base}
    length = np.sqrt(sum(float((one**2).sum()) for one in asked.values()))
    for name in base:
        assert kept[name].dtype == new[name].dtype
        expected = asked[name] * min(1.0, 5.0 / length)
        assert np.allclose(moved[name], expected, rtol=1e-4, atol=1e-5)


def test_a_change_too_large_to_be_measured_is_refused() -> None:
    assert refused(made(model(w=np.full((8, 8), 1e200)))) is Fault.MODEL


@given(st.dictionaries(st.sampled_from(sorted(METRICS)), st.floats(-1e6, 1e6), max_size=5))
def test_metrics_leave_in_three_digits(metrics: dict[str, float]) -> None:
    for name, value in told_metrics(metrics).items():
        assert f"{value:.3g}" == f"{metrics[name]:.3g}" and float(f"{value:.3g}") == value
