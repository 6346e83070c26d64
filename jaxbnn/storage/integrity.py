"""Whether what a run has left on disk is whole."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxbnn.storage import array_store, checkpoints, results, run_folder


def check(folder: str | Path) -> list[str]:
    """What is wrong with a run's folder, a line each; nothing is changed.

    Every file is read and compared with the checksum that was written beside it: those of the
    blocks' stores and those of all checkpoints.

    Args:
        folder: the run's, OUT/<name>/<digest>, or that of a study of samples.

    Returns:
        Damaged and missing files, checkpoints whose checksums do not hold, blocks that are not
        finished and where they go on; nothing where all is well.

    Raises:
        ValueError: for a folder that holds no run.
    """
    folder = Path(folder)
    results.refuse_old(folder)
    if results.is_finished_study(folder):
        return _problems_of_store(folder)
    blocks = sorted(path for path in (folder / run_folder.BLOCKS).glob("*") if path.is_dir())
    if not blocks and not (folder / run_folder.CONFIG).is_file():
        raise ValueError(f"expected a run's folder with {run_folder.CONFIG}, got {folder}")
    problems = []
    finished = _seeds_of_finished(blocks)
    for block in blocks:
        problems += _problems_of_block(block, finished)
    if problems:
        return problems  # what follows needs all blocks
    return _refusal(lambda: results.finished_blocks(folder)) + _missing_seeds(folder)


def _seeds_of_finished(blocks: Sequence[Path]) -> set[int]:
    """The seeds of the finished blocks."""
    seeds: set[int] = set()
    for block in filter(array_store.is_finished, blocks):
        if not _refusal(lambda block=block: run_folder.seeds_of(block)):
            seeds |= set(run_folder.seeds_of(block))
    return seeds


def _problems_of_block(block: Path, finished: set[int]) -> list[str]:
    problems = _refusal(lambda: run_folder.seeds_of(block))
    for checkpoint in checkpoints.folders(block):
        found = _refusal(lambda checkpoint=checkpoint: checkpoints.verify(checkpoint))
        if checkpoint.exists():  # a run that goes on removes the oldest
            problems += found
    if array_store.is_finished(block):
        return problems + _problems_of_store(block)
    if not problems and set(run_folder.seeds_of(block)) <= finished:
        return []  # other blocks have run its seeds since it was begun
    return [*problems, _how_it_goes_on(block, bool(problems))]


def _problems_of_store(folder: Path) -> list[str]:
    try:
        damaged = array_store.damaged_files(folder)
    except ValueError as error:
        return [str(error)]
    if damaged:
        return [f"{folder / name} is damaged (its checksum does not hold)" for name in damaged]
    return _refusal(lambda: array_store.arrays(folder))


def _how_it_goes_on(block: Path, is_damaged: bool) -> str:
    steps = checkpoints.folders(block)
    if not steps:
        return f"{block} has no results and no checkpoint: the same run command starts it again"
    if is_damaged:
        return f"{block} is not finished, and cannot go on before what is damaged is removed"
    epoch = checkpoints.newest(block) - 1
    problems = _refusal(lambda: array_store.check_contents(block))
    if problems:
        return f"{problems[0]}: remove {block} to start this block again"
    return f"{block} is not finished: the same run command goes on after epoch {epoch}"


def _missing_seeds(folder: Path) -> list[str]:
    """A line where the config names seeds of which no block has begun."""
    path = folder / run_folder.CONFIG
    try:
        seeds = set(json.loads(path.read_text())["seeds"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        words = f"{type(error).__name__}: {array_store.one_line(error)}"
        return [f"expected an experiment's seeds in {path}, got {words}"]
    for block in run_folder.block_folders(folder):
        seeds -= set(run_folder.seeds_of(block))
    if not seeds:
        return []
    some = ", ".join(map(str, sorted(seeds)[:10]))
    return [f"{len(seeds)} seeds have no block ({some}): the same run command runs them"]


def _refusal(read: Callable[[], object]) -> list[str]:
    """The message of what cannot be read, none where it can."""
    try:
        read()
    except ValueError as error:
        return [str(error)]
    return []
