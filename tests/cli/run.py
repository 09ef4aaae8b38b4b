#!/usr/bin/env python3
"""run.py: the tests of the program from outside.

    LEGWORK=build/legwork tests/cli/run.py [-v] [WORD...]

Runs every function test_* of every tests/cli/test_*.py, or those whose
"file.function" has one of the words. Each gets a support.Case: a folder of its
own, a clean environment, servers that end with it. They run side by side, so no
test may count on being alone; those marked @support.alone run at the end, one
by one.

The last line is "N passed, N failed, N skipped". Exit status 1 if one failed.
"""
import concurrent.futures
import importlib
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import support  # noqa: E402  (needs the path above)


def find_tests(words):
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            full = "%s.%s" % (path.stem, name)
            if name.startswith("test_") and callable(function):
                if not words or any(word in full for word in words):
                    yield full, function


def run_test(full, function):
    """(name, verdict, why, seconds); the verdict is ok, FAIL or skip."""
    began = time.monotonic()
    with support.Case() as case:
        try:
            function(case)
            verdict, why = "ok", ""
        except support.Skip as skip:
            verdict, why = "skip", str(skip)
        except AssertionError as error:
            verdict, why = "FAIL", "%s\n%s" % (error, traceback.format_exc())
        except Exception:       # a broken test is a failed one, the others go on
            verdict, why = "FAIL", traceback.format_exc()
    return full, verdict, why, time.monotonic() - began


def show(result, verbose):
    full, verdict, why, seconds = result
    if verdict == "skip":
        print("skip: %s: %s" % (full, why), flush=True)
    elif verdict == "FAIL" or verbose:
        print("%-4s %s (%.1f s)%s" % (verdict, full, seconds, "\n" + why if why else ""),
              flush=True)


def main():
    words = [word for word in sys.argv[1:] if word != "-v"]
    verbose = "-v" in sys.argv[1:]
    os.chdir(HERE.parent.parent)
    support.prepare()
    tests = list(find_tests(words))
    alone = [test for test in tests if getattr(test[1], "alone", False)]
    rest = [test for test in tests if test not in alone]
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        results = pool.map(lambda test: run_test(*test), rest)
        for result in results:
            counts[result[1]] += 1
            show(result, verbose)
    for test in alone:
        result = run_test(*test)
        counts[result[1]] += 1
        show(result, verbose)
    support.cleanup()
    print("%d passed, %d failed, %d skipped" % (counts["ok"], counts["FAIL"], counts["skip"]))
    return 1 if counts["FAIL"] or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
