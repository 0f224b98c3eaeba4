"""Fuzz the readers: `python -m tests.robust.fuzz [TARGET ...] --seconds 60`.

Each target runs by itself for so many seconds. An input that shows a defect is kept as
`tests/fuzz/seeds/TARGET/NAME`, and `tests/test_reader_properties.py` reads it ever after.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# A reader that takes longer or more for an input of a few kilobytes has a defect.
SECONDS_AN_INPUT, MEMORY_MB, MAX_BYTES = 10, 2048, 8192
NEEDS_ATHERIS = (
    "python -m tests.robust.fuzz: error: needs the package atheris (Linux, CPython 3.11 to 3.13); "
    "the inputs found so far are read by the tests without it.\n"
)


def main() -> int:
    """Fuzz; return 0, 1 for a defect, or 2 without atheris."""
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(NEEDS_ATHERIS)
        return 2
    from .targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.robust.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help=f"of {', '.join(TARGETS)}; all without one")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default: 1)")
    options = parser.parse_args()
    unknown = sorted(set(options.target) - set(TARGETS))
    if unknown:
        parser.error(f"no such target: {unknown[0]}")
    defects = [
        fuzz(name, options.seconds, options.seed) for name in options.target or list(TARGETS)
    ]
    return int(any(defects))


def fuzz(name: str, seconds: int, seed: int) -> bool:
    """Fuzz one target in a process of its own; return whether it has a defect."""
    from .targets import SEEDS, TARGETS

    target = TARGETS[name]
    with tempfile.TemporaryDirectory(prefix="lwpipe_fuzz_") as folder:
        corpus, found = Path(folder) / "corpus", Path(folder) / "found"
        corpus.mkdir()
        found.mkdir()
        for number, content in enumerate(target.examples()):
            (corpus / f"example{number}").write_bytes(content)
        for path in (SEEDS / name).glob("*"):
            shutil.copy(path, corpus)
        words = Path(folder) / "words"
        words.write_text("\n".join(f'"{_escaped(word)}"' for word in target.words) + "\n")
        process = subprocess.run(
            [
                *(sys.executable, "-m", "tests.robust.fuzz.one", name, str(corpus)),
                f"-dict={words}",
                f"-max_total_time={seconds}",
                f"-max_len={MAX_BYTES}",
                f"-timeout={SECONDS_AN_INPUT}",
                f"-rss_limit_mb={MEMORY_MB}",
                f"-seed={seed}",
                f"-artifact_prefix={found}{os.sep}",
                "-print_final_stats=1",
            ],
            capture_output=True,
            text=True,
            errors="replace",
            cwd=Path(__file__).parents[3],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        failing = sorted(found.iterdir())
        for path in failing:
            (SEEDS / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, SEEDS / name / path.name[:20])
    text = process.stderr
    runs = re.search(r"number_of_executed_units: *(\d+)", text)
    coverage = re.findall(r"cov: (\d+)", text)
    bad = bool(failing) or process.returncode != 0
    sys.stdout.write(
        f"{name:7} {runs.group(1) if runs else '?':>8} inputs, "
        f"{coverage[-1] if coverage else '?':>5} branches, {'DEFECT' if bad else 'no defect'}\n"
    )
    if bad:
        # The traceback is on stdout; libFuzzer's own end is on stderr.
        sys.stdout.write(process.stdout[-3000:] + text[-1000:] + "\n")
    sys.stdout.flush()
    return bad


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
