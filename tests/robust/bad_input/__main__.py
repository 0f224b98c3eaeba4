"""Run the cases and print one line for each: `python -m tests.robust.bad_input [WORD]`.

A word picks the cases whose group or name holds it. With `--markdown` it is a table for a page.
"""

from __future__ import annotations

import argparse
import sys
from typing import TextIO

from .harness import all_cases, run_all


def _print(text: str, file: TextIO = sys.stdout) -> None:
    file.write(text + "\n")
    file.flush()


def main() -> int:
    """Print the table; return 1 if a case was not answered as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.robust.bad_input", description=__doc__)
    parser.add_argument("word", nargs="?", default="", help="of the group or the name")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    cases = [case for case in all_cases() if options.word in f"{case.group} {case.name}"]
    if options.markdown:
        _print("| group | case | exit code | s | MB | sentence |\n|---|---|---|---|---|---|")
    failed, seconds = 0, 0.0
    for result in run_all(cases):
        case, outcome = result.case, result.outcome
        cells = (
            case.group,
            case.name,
            str(outcome.code),
            f"{outcome.seconds:.2f}",
            f"{outcome.peak_mb:.1f}",
            result.sentence,
        )
        if options.markdown:
            _print("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        else:
            _print("{:9} {:44} {} {:>6} {:>7}  {}".format(*cells))
        for complaint in result.complaints:
            _print(f"    WRONG: {complaint}", file=sys.stderr)
        failed += bool(result.complaints)
        seconds += outcome.seconds
    _print(f"\n{len(cases)} cases in {seconds:.1f} s, {failed} not answered as they should be.")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
