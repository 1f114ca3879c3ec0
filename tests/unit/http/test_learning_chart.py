"""Lines over rounds stay inside their frame, and a missed round leaves a gap."""

from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.ids import NodeId
from tessera.http.learning_chart import HEIGHT, WIDTH, metric_charts
from tessera.wire.learning import RoundUpdate

A, B = NodeId("a-node"), NodeId("b-node")
NAMES = {str(A): "Linköping", str(B): "Valencia"}


def update(node: NodeId, number: int, **metrics: float) -> RoundUpdate:
    return RoundUpdate(node_id=node, round=number, n_samples=10, metrics=metrics)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_everything_is_inside(values: list[float]) -> None:
    updates = [update(A, i + 1, loss=value) for i, value in enumerate(values)]
    (chart,) = metric_charts(updates, NAMES, rounds=5)
    for dot in chart.lines[0].dots:
        assert 0 <= dot.x <= WIDTH
        assert 0 <= dot.y <= HEIGHT
    assert len(chart.y_marks) >= 2
    assert [value for _, (value, _) in chart.rows] == values


def test_a_missed_round_is_a_gap_and_no_number() -> None:
    updates = [update(A, n, auc=0.5 + n / 100) for n in (1, 2, 4, 5)]
    updates += [update(B, n, auc=0.6) for n in (1, 2, 3, 4, 5)]
    (chart,) = metric_charts(updates, NAMES, rounds=5)
    assert [len(line.paths) for line in chart.lines] == [2, 1]
    assert chart.rows[2] == (3, (None, 0.6))
    assert [line.style for line in chart.lines] == [0, 1]


def test_each_metric_has_its_chart() -> None:
    found = metric_charts([update(A, 1, loss=2.0, auc=0.5)], NAMES, rounds=1)
    assert [chart.metric for chart in found] == ["auc", "loss"]
