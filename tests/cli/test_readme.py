"""The examples of the README: each command line runs, and its options are real.

A line `    $ legwork ...` is run as it stands, with the small test model in place
of the reader and the scripted provider in place of a server; what a model says
is not judged, that the documented exit statuses come is. Examples whose document
is not on this machine are passed over.
"""
import os
import pathlib
import re
import shlex

import support
from support import CONCLUSION, PLAN, WORKER, alone, skip, supervisor

README = pathlib.Path("README.md")
LIGHT = ["--context", "1024", "--chunk-tokens", "64", "--threads", "1"]


def both_parts():
    """A script for a server that reads and supervises."""
    return ('when body contains "%s"\nsay not stated\n\n' % WORKER) + supervisor(PLAN, CONCLUSION)


def examples():
    """Command lines; one that ends in a backslash goes on."""
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line.split(" | ")[0])
            for line in re.findall(r"^    \$ legwork (.+)$", text, re.MULTILINE)]


def small_model():
    return support.shared["model"] or skip("no small model")


def documents_exist(words):
    return all(os.path.exists(word) for word in words if word.startswith("/usr/"))


def with_test_model(words):
    """The same, quick, with the test model in place of the one that is measured or quantised."""
    model = support.shared["model"] or skip("no small model")
    if words[0] == "quantize":
        return [words[0], model] + words[2:]
    words = [os.path.abspath(word) if os.path.exists(word) else
             model if word.startswith(("small", "smol")) else word for word in words]
    return words + ["--seconds", "1", "--threads", "1"]


@alone
def test_examples_run(case):
    commands = [words for words in examples() if documents_exist(words)]
    if not commands:
        skip("no document of the README's examples is on this machine")
    for words in commands:
        if words[0] == "ask":
            if "--remote" in words:
                url = case.server(both_parts()).url
                words = [url if "127.0.0.1" in word else word for word in words]
                words[1:1] = ["--local", url]
            else:
                # What is kept of one example leaves no room for the next.
                words[1:1] = ["--local", small_model(), "--read", "1", "--no-kv-cache",
                              *LIGHT]
        elif words[0] == "index":
            words[1:1] = ["--local", small_model(), "--kv-cache", "5M", *LIGHT]
        elif words[0] in ("tune", "quantize"):
            words = with_test_model(words)
        result = case.legwork(*words, timeout=600)
        if "too busy" in result.err:        # to be measured
            continue
        assert result.status in (0, 3, 10), result


def test_options_of_the_readme_exist(case):
    known = "".join(case.legwork(command, "--help").out for command in ("ask", "tune", "quantize"))
    for option in re.findall(r"`(--[a-z-]+)", README.read_text(encoding="utf-8")):
        assert option in known or option == "--version", option
