"""The Makefile and its tools where the machine is not as usual."""
import os
import pathlib
import shutil
import subprocess

from support import skip


def run(case, *command, **env):
    env.update(MAKEFLAGS=None, MAKELEVEL=None)      # of the make that runs the tests
    return subprocess.run(command, cwd=case.folder / "tree", env=case.environment(env),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20, check=False)


def tree(case, libllama):
    """A copy of the Makefile, with tools that do nothing but print that prefix."""
    if not shutil.which("make"):
        skip("no make")
    for name in ("Makefile", "legwork.pc.in", "include/legwork.h"):
        case.write("tree/" + name, pathlib.Path(name).read_bytes())
    for name, what in (("setup", ""), ("get-libllama", "echo '%s'" % libllama)):
        case.write("tree/tools/" + name, "#!/bin/sh\n%s\n" % what).chmod(0o755)


def test_libllama_that_is_not_found_ends_make(case):
    for prefix in ("a b", "none"):
        where = case.folder / prefix
        tree(case, where)
        made = run(case, "make", "-s", "all")
        assert made.returncode == 2 and "libllama is not in %s" % where in made.stderr, made


def test_folder_of_libllama_may_hold_no_blank(case):
    got = subprocess.run([os.path.abspath("tools/get-libllama")], cwd=case.folder,
                         env=case.environment({"LEGWORK_LIBLLAMA": "build",
                                               "XDG_CACHE_HOME": case.folder / "a b"}),
                         capture_output=True, text=True, timeout=20, check=False)
    assert got.returncode == 1 and "XDG_CACHE_HOME" in got.stderr, got
    assert not (case.folder / "a b").exists()
