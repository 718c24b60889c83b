"""Freed memory stays with the process, until it is given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BLOCKS = """
import resource, sys, threading
import torch
if sys.argv[1] == "kept":
    from chromseg.memory import keep_freed_memory
    keep_freed_memory()
def work(side):
    for _ in range(8):
        torch.zeros(side, side)
def measure(side):
    work(side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work(side)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
thread = threading.Thread(target=measure, args=[int(sys.argv[2])])
thread.run() if sys.argv[3] == "first" else (thread.start(), thread.join())
"""


def page_faults(how: str, side: int = 3500, thread: str = "first") -> int:
    """New pages that eight rounds of taking and freeing a square of floats cost; 48 MB are more than glibc keeps."""
    root = Path(__file__).parents[1]
    words = [sys.executable, "-c", BLOCKS, how, str(side), thread]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=root)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_memory_that_was_freed_is_used_again_without_new_pages():
    """How often blocks must still grow depends on what lies between them: seen from none of eight rounds to two."""
    assert page_faults("kept") < 0.5 * page_faults("as usual")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_thread_keeps_memory_too():
    """Arenas of threads have heaps of 64 MB, which glibc gives back whatever it is told: blocks of 9 MB show it."""
    assert page_faults("kept", 1500, "another") < 0.5 * page_faults("as usual", 1500, "another")


HELD = """
import psutil, torch
from chromseg.memory import give_back_freed_memory, keep_freed_memory
keep_freed_memory()
resident = psutil.Process().memory_info
start = resident().rss
torch.zeros(100_000_000)
kept = resident().rss
give_back_freed_memory()
print(kept - start, resident().rss - start)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_memory_that_was_kept_can_be_given_back():
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True, cwd=root)
    kept, left = map(int, done.stdout.split())
    assert kept > 350e6 > 50e6 > left
