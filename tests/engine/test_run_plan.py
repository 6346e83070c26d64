import dataclasses

import jax

from jaxbnn.storage import results
from jaxbnn import run
from jaxbnn.engine import block_runner
from jaxbnn.engine import run_plan as jobs
from jaxbnn.storage import run_folder


def test_begun_blocks_go_on_when_other_seeds_are_asked_for(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(block_runner, "CHUNK_SECONDS", 0.0)
    one, turns = jax.devices()[:1], []
    run(
        dataclasses.replace(plain, seeds=(1, 2)),
        tmp_path,
        devices=one,
        stop=lambda: turns.append(0) or len(turns) > 5,
    )
    said = []
    folder = run(plain, tmp_path, devices=one, report=lambda p: said.append(p.message))
    assert any("seeds 1 to 2 go on from epoch" in m for m in said)
    begun = [(jobs.Piece(0, seeds), 5) for seeds in ((1, 2), (2, 3), (8, 9))]
    assert jobs.blocks_of([(0, 1, 2, 3, 4)], 2, begun) == [*map(jobs.alone, ((0, 3), (1, 2), (4,)))]
    assert results.open_result(folder).seed.values.tolist() == [0, 1, 2, 3, 4]
