from __future__ import annotations

import pytest
from benchmarks.measurement import Figure, Point, Series, exponent, in_turns


def series(*points: Point) -> Series:
    return Series("up", "s", "ours", "peer", points)


def quiet(_step: str) -> None:
    pass


def test_candidates_take_turns() -> None:
    taken: list[str] = []

    samples = in_turns(
        {"a": lambda: taken.append("a"), "b": lambda: taken.append("b")}, runs=2, on_step=quiet
    )

    assert taken == ["a", "b", "a", "b"]
    assert {name: len(found) for name, found in samples.items()} == {"a": 2, "b": 2}


def test_each_turn_is_reported() -> None:
    reported: list[str] = []

    in_turns({"ours": int, "peer": int}, runs=1, on_step=reported.append)

    assert reported == ["run 1 of 1, ours", "run 1 of 1, peer"]


def test_pairwise_ratios_cancel_out_a_slow_machine() -> None:
    point = Point(20, package=(2.0, 20.0, 2.2), peer=(1.0, 10.0, 1.0))

    assert point.figures(Figure.RATIO) == pytest.approx([2.0, 2.0, 2.2])
    assert series(point).median(point) == pytest.approx(2.0)


def test_overhead_is_computed_pairwise_even_over_an_instant_peer() -> None:
    point = Point(64, package=(4.5, 9.0, 2.5), peer=(2.0, 6.0, 0.0))

    assert point.figures(Figure.BEYOND) == pytest.approx([2.5, 3.0, 2.5])


def test_samples_without_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Point(20, package=(1.0, 2.0), peer=(1.0,)).figures(Figure.RATIO)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_found(power: float) -> None:
    sizes = (20, 60, 180)

    assert exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_each_candidate_has_its_own_exponent() -> None:
    grown = series(*(Point(size, package=(size**2.0,), peer=(float(size),)) for size in (20, 60, 180)))

    assert grown.growth() == pytest.approx((2.0, 1.0))


@pytest.mark.parametrize("size", [None, 20])
def test_a_single_size_has_no_growth(size: int | None) -> None:
    assert series(Point(size, package=(1.0,), peer=(1.0,))).growth() is None
