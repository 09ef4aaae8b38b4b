"""The Makefile and its tools where the machine is not as usual."""
import os
import pathlib
import re
import shlex
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


def test_install_and_uninstall(case):
    """Twice from one tree, to places with blanks in their names."""
    tree(case, case.folder / "llama")
    case.write("llama/include/llama.h", "")
    case.write("llama/lib/libllama.a", "")
    version = re.search(r'LW_VERSION "(.*)"', pathlib.Path("include/legwork.h").read_text())
    for name in ("legwork", "legwork.1", "liblegwork.a", "liblegwork.so." + version.group(1)):
        case.write("tree/build/" + name, "")
    for prefix in ("/usr/local", "/opt/my tools"):
        to = ["DESTDIR=%s" % (case.folder / "a root"), "PREFIX=" + prefix]
        made = run(case, "make", "-s", "-o", "all", "-o", "build/legwork.1", "install", *to)
        assert made.returncode == 0, made
        there = case.folder / "a root" / prefix[1:]
        for name in ("bin/legwork", "lib/liblegwork.so", "share/man/man1/legwork.1"):
            assert (there / name).is_file(), name
        flags = run(case, "pkg-config", "--cflags", "legwork",
                    PKG_CONFIG_PATH=there / "lib/pkgconfig").stdout
        assert shlex.split(flags) == ["-I%s/include" % prefix], flags
        made = run(case, "make", "-s", "uninstall", *to)
        left = [path for path in there.rglob("*") if not path.is_dir()]
        assert made.returncode == 0 and not left, (made, left)
    assert not (case.folder / "tree/tools/bin").exists()


def test_a_tilde_is_the_home(case):
    """Some shells leave it to the program."""
    tree(case, case.folder / "llama")
    case.write("llama/include/llama.h", "")
    case.write("llama/lib/libllama.a", "")
    made = run(case, "make", "-n", "-o", "all", "install", "PREFIX=~/x", HOME="/home/ann")
    assert made.returncode == 0 and '"/home/ann/x/bin"' in made.stdout, made
