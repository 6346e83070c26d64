"""What measuring adds to an epoch: all information, spectra, losses and diagnostics, by tables of
counts and by examples.

One program on one device, called without files. Of the probes of raj2020/szt-ste some are of bins
and of BatchNorms, which are measured by examples in both ways. At least: 60 % of an unmeasured
epoch; aim: 25 %.
"""

import argparse

import timing
from blocks import NetworkBlock, by_examples

from jaxbnn.engine.devices import use_cores
from jaxbnn.engine.program import ProgramSpec

AT_LEAST, AIM = 60, 25  # per cent of an unmeasured epoch
ONE_PROBE = "SZT, one probe"  # 10-8-6-4-2, all layers counted over the training set
CASES = ((ONE_PROBE, 32), (ONE_PROBE, 8), ("szt", 8), ("raj2020/szt-ste", 8))
HEADER = ("networks", "unmeasured", "by tables", "adds", "by examples", "adds", "")


def row(name: str, n_seeds: int, n_epochs: int) -> tuple[str, ...]:
    """The table's row of one program."""
    block = NetworkBlock.szt(n_seeds)
    if name != ONE_PROBE:
        block = NetworkBlock.of_experiment(name, n_seeds)
    unmeasured = block.seconds(n_epochs, False)
    by_tables = block.seconds(n_epochs, True)
    with by_examples():
        examples = block.seconds(n_epochs, True)
    added = 100 * (by_tables / unmeasured - 1)
    reached = "aim" if added <= AIM else "at least" if added <= AT_LEAST else "MISSED"
    return (
        f"{n_seeds}: {name}" + (", seeds last" if block.program.seeds_last else ""),
        _ms(unmeasured / n_epochs),
        _ms(by_tables / n_epochs),
        f"{added:+.0f} %",
        _ms(examples / n_epochs),
        f"{100 * (examples / unmeasured - 1):+.0f} %",
        reached,
    )


def _ms(seconds: float) -> str:
    return timing.number(1e3 * seconds) + " ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test in seconds: its times mean nothing"
    )
    arguments = parser.parse_args()
    use_cores()
    n_epochs = 2 if arguments.quick else ProgramSpec.rows_per_chunk
    timing.heading("What measuring adds to an epoch")
    print(timing.device(), f"; chunks of {n_epochs} epochs\n", sep="")
    rows = []
    for name, n_seeds in CASES[1:2] if arguments.quick else CASES:
        rows.append(row(name, n_seeds, n_epochs))
    print(timing.table(HEADER, rows), flush=True)


if __name__ == "__main__":
    main()
