"""Every bad input is answered by one sentence, with nothing written and nothing run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.robust.bad_input.case import Case
from tests.robust.bad_input.harness import all_cases, run_case
from tests.robust.bad_input.zygote import Zygote

CASES = all_cases()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}:{case.name}")
def test_bad_input_is_one_sentence(case: Case, zygote: Zygote) -> None:
    result = run_case(case, zygote)
    assert not result.complaints, "; ".join(result.complaints)


def test_there_are_enough_cases_and_none_twice() -> None:
    assert len(CASES) >= 200
    counts = Counter(case.name for case in CASES)
    assert [name for name, count in counts.items() if count > 1] == []


def good_run(folder: Path) -> list[str]:
    (folder / "config.yaml").write_text("name: good\n")
    return ["config", "check"]


def test_the_harness_complains_of_what_is_not_a_bad_input(zygote: Zygote) -> None:
    result = run_case(Case("good", "none", good_run, "good.yaml", "is bad"), zygote)
    assert [complaint.split(" ")[0] for complaint in result.complaints] == [
        "ended",
        "wrote",
        "the",
        "the",
        "the",
    ]
