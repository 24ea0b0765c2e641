"""An array that stays in its file."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from mrg_helpers import paths
from mrg_helpers.stored import StoredArray


def test_it_reads_as_the_array_does(tmp_path):
    wanted = np.random.default_rng(0).normal(size=(9, 2, 3)).astype("float16")
    np.save(tmp_path / "a.npy", wanted)
    stored = StoredArray(tmp_path / "a.npy")
    assert (stored.shape, stored.dtype, stored.nbytes, len(stored)) == (wanted.shape, wanted.dtype, wanted.nbytes, 9)
    for chosen in ([3, 0, 8], np.array([1]), 4, slice(2, 5), (slice(None), 1), wanted[:, 0, 0] > 0):
        np.testing.assert_array_equal(stored[chosen], wanted[chosen])
        assert type(stored[chosen]) is np.ndarray
    np.testing.assert_array_equal(stored, wanted)
    assert np.asarray(stored, "float32").dtype == "float32"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory of a process is read as Linux tells it")
def test_what_was_read_does_not_stay_in_memory(tmp_path):
    program = f"""
        import resource
        import numpy as np
        from mrg_helpers.stored import StoredArray
        np.lib.format.open_memmap({str(tmp_path / "a.npy")!r}, "w+", "float16", (400, 64, 4096)).flush()  # 210 MB of nothing
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        stored = StoredArray({str(tmp_path / "a.npy")!r})
        assert sum(float(stored[[row, row + 1]].sum()) for row in range(0, 400, 2)) == 0
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, cwd=paths.project_root()
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 40_000, "kilobytes, of a file of 210,000"
