import subprocess
import sys

import jax

from jaxbnn.engine.compiled import keep_programs

CODE = """
import os, jax
from jaxbnn.engine.compiled import keep_programs
keep_programs()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.block_until_ready(jax.jit(lambda x: x * 3 + {})(jax.numpy.ones(7)))
print(jax.config.jax_compilation_cache_dir)
"""


def test_what_is_compiled_is_kept_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(1)], capture_output=True, text=True, check=True
    )
    (kept,) = (tmp_path / "jaxbnn" / "programs").iterdir()
    assert done.stdout.strip() == str(kept) and any(kept.iterdir())


def test_a_folder_the_user_has_named_is_left():
    named = jax.config.jax_compilation_cache_dir
    keep_programs()
    assert named and jax.config.jax_compilation_cache_dir == named
