"""support.py: what the command-line tests are written with.

A test is a function that takes a Case. `case.legwork(...)` runs the program in a
clean environment, `case.server(script)` starts a fake provider (its scripts are
described at the head of tests/fake_provider.c), `case.write()` and `pdf()` make
documents. Failed expectations are plain assertions; `ok(result)` and
`expect(...)` put the program's output into the message.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

TIMEOUT_S = 120
TEST_MODEL = "SmolLM2-135M-Instruct-Q4_1.gguf"
HIDDEN = re.compile(r"^LEGWORK|^MINIONS_|_API_KEY$|_PROXY$|_BASE_URL$|^XDG_|^OLLAMA",
                    re.IGNORECASE)

# What a worker is told and what a supervisor is told, to tell them apart in scripts.
WORKER = "You read one excerpt"
SUPERVISOR = "You direct a small reading model"

shared = {}     # what prepare() finds out once


class Skip(Exception):
    """Something that the test needs is not on this machine."""


def skip(why):
    raise Skip(why)


def alone(function):
    """Mark a test that must not share the machine."""
    function.alone = True
    return function


def prepare():
    legwork = os.path.abspath(os.environ.get("LEGWORK", "build/legwork"))
    with open(legwork, "rb") as binary:
        shared["asan"] = b"__asan_init" in binary.read()
    shared["legwork"] = legwork
    shared["scratch"] = tempfile.mkdtemp(prefix="legwork-cli-")
    shared["fake"] = find_fake_provider()
    shared["model"] = find_model()


def cleanup():
    shutil.rmtree(shared["scratch"], ignore_errors=True)


def find_fake_provider():
    named = os.environ.get("FAKE_PROVIDER", "build/tests/fake_provider")
    if os.access(named, os.X_OK):
        return os.path.abspath(named)
    program = os.path.join(shared["scratch"], "fake_provider")
    build = [os.environ.get("CC", "cc"), "-O1", "-D_POSIX_C_SOURCE=200809L",
             "-D_DEFAULT_SOURCE", "-std=c11", "tests/fake_provider.c", "-o", program]
    try:
        built = subprocess.run(build, capture_output=True, timeout=TIMEOUT_S, check=False)
    except OSError:
        return None
    return program if built.returncode == 0 else None


def find_model():
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    folder = os.environ.get("LEGWORK_MODELS_DIR") or os.path.join(data, "legwork", "models")
    path = os.environ.get("LEGWORK_TEST_MODEL") or os.path.join(folder, TEST_MODEL)
    return os.path.abspath(path) if os.path.exists(path) else None


def need_tiny(kind):
    """A tiny random model (tests/models/make_tiny.py)."""
    folder = os.environ.get("LEGWORK_TINY_MODELS") or "build/tiny"
    path = os.path.abspath(os.path.join(folder, kind + ".gguf"))
    return path if os.path.exists(path) else skip("no tiny models (make_tiny.py)")


# --- Running the program -------------------------------------------------------------


class Result:
    def __init__(self, status, out, err):
        self.status, self.raw = status, out
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def __str__(self):
        return "exit status %s\n--- stdout\n%s\n--- stderr\n%s" % (
            self.status, self.out[:4000], self.err[-6000:])

    @property
    def json(self):
        return json.loads(self.out)


def expect(result, status, *parts):
    """The exit status, and what must stand on stderr."""
    assert result.status == status, "expected exit status %d: %s" % (status, result)
    assert "Sanitizer" not in result.err and "runtime error" not in result.err, str(result)
    for part in parts:
        assert part.lower() in result.err.lower(), "stderr lacks %r: %s" % (part, result)
    return result


def ok(result):
    return expect(result, 0)


def one_sentence(result):
    """Exactly one line of complaint (hints on usage, waits and one receipt aside), fit to
    print."""
    receipt = ("legwork: Sent to a server on this device:", "legwork: Left this device for ")
    lines = [line for line in result.err.splitlines()
             if "legwork help" not in line and "trying again in" not in line]
    if any(line.startswith(receipt) for line in lines):
        lines.remove(next(line for line in lines if line.startswith(receipt)))
    assert len(lines) == 1 and lines[0].startswith("legwork: "), str(result)
    return result


class Server:
    """A fake provider. `url` is what --local and --remote take."""

    def __init__(self, script, log):
        self.log = log
        self.child = subprocess.Popen([shared["fake"], "-", "--log", str(log)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.child.stdin.write(script)
        self.child.stdin.close()
        line = self.child.stdout.readline()
        assert line.startswith("PORT "), "the fake provider did not start: %r" % line
        self.port = int(line.split()[1])
        self.host = "127.0.0.1:%d" % self.port
        self.url = "http://%s/v1#fake-model" % self.host

    def stop(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()

    def stats(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open("http://%s/fake/stats" % self.host, timeout=10) as reply:
            return json.load(reply)

    def wait_for_requests(self, n):
        deadline = time.monotonic() + TIMEOUT_S
        while self.stats()["requests"] < n:
            assert time.monotonic() < deadline, "no %d requests came" % n
            time.sleep(0.02)

    def received(self):
        """All bytes that came: request lines, headers, bodies."""
        return self.log.read_bytes() if self.log.exists() else b""

    def bodies(self):
        """The JSON bodies of all requests to /chat/completions."""
        found = []
        for request in re.split(rb"(?m)^=== \d+ ", self.received())[1:]:
            head, _, body = request.partition(b"\n\n")
            if b"/chat/completions" in head.splitlines()[0]:
                found.append(json.loads(body.decode()))
        return found


class Case:
    """One test's folder, environment and servers."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="case-", dir=shared["scratch"]))
        self.home = self.folder / "home"
        self.home.mkdir()
        self.servers = []
        self.children = []
        self.pipes = []
        return self

    def __exit__(self, *_):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        for server in self.servers:
            server.stop()
        for pipe in self.pipes:
            os.close(pipe)
        for path in self.folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- Things to work with

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def server(self, script):
        if not shared["fake"]:
            skip("no fake provider and no compiler to build it")
        log = self.folder / ("requests-%d.log" % len(self.servers))
        self.servers.append(Server(script, log))
        return self.servers[-1]

    def config(self, text):
        return self.write("home/.config/legwork/config.ini", text)

    def environment(self, extra):
        env = {name: value for name, value in os.environ.items() if not HIDDEN.search(name)}
        env.update(HOME=str(self.home), TERM="xterm", LANG="C.UTF-8",
                   LEGWORK_MODELS_DIR=str(self.folder / "models"))
        env.update({name: str(value) for name, value in extra.items()})
        return {name: value for name, value in env.items() if value != "None"}

    # --- The program

    def command(self, *args):
        return [shared["legwork"]] + [arg if isinstance(arg, bytes) else str(arg)
                                      for arg in args]

    def legwork(self, *args, stdin=b"", env=None, timeout=TIMEOUT_S, before=None, stdout=None):
        child = subprocess.Popen(self.command(*args), env=self.environment(env or {}),
                                 cwd=self.folder, stdin=subprocess.PIPE,
                                 stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
                                 preexec_fn=before, start_new_session=True)
        self.children.append(child)
        try:
            out, err = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            raise AssertionError("ran past %d s: %s" % (timeout, Result(None, out, err)))
        return Result(child.returncode, out or b"", err)

    def start(self, *args, env=None):
        """The program in the background; end it with finish()."""
        child = subprocess.Popen(self.command(*args), env=self.environment(env or {}),
                                 cwd=self.folder, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 start_new_session=True)
        self.children.append(child)
        return child

    def start_reading(self, *args):
        """The same with a standard input that stays open and never says anything."""
        reader, writer = os.pipe()
        child = subprocess.Popen(self.command(*args), env=self.environment({}),
                                 cwd=self.folder, stdin=reader, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, start_new_session=True)
        os.close(reader)
        self.pipes.append(writer)
        self.children.append(child)
        return child

    def finish(self, child, timeout=TIMEOUT_S):
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise AssertionError("ran past %d s: %s" % (timeout, Result(None, out, err)))
        return Result(child.returncode, out, err)


# --- Documents ------------------------------------------------------------------------

FACT = "The notice period of the contract is ninety days."


def filler(n, start=0):
    """n paragraphs, each with words of its own, none about a notice period."""
    things = ["harvest", "ferry", "clock", "garden", "violin", "mountain", "letter", "bridge"]
    return "\n\n".join(
        "Paragraph %d tells of the %s of %d. It was painted blue in the year %d, and %d "
        "people came to see it on the first day of spring, which was a cold one." %
        (i, things[i % len(things)], 100 + i, 1500 + i, 7 * i + 3)
        for i in range(start, start + n))


def contract(paragraphs=60):
    """A text with the one fact in its middle."""
    half = paragraphs // 2
    return "%s\n\n%s\n\n%s\n" % (filler(half), FACT, filler(half, half))


def pdf(pages):
    """A PDF with a text layer; a page is a list of lines, or None for none."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", None,
               "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        text = "".join("(%s) Tj T*\n" % re.sub(r"([()\\])", r"\\\1", line)
                       for line in lines or [])
        stream = "BT /F1 11 Tf 14 TL 60 760 Td\n%sET" % text if lines else ""
        objects.append("<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
                       "/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects))
        kids.append("%d 0 R" % len(objects))
    objects[1] = "<< /Type /Pages /Kids [%s] /Count %d >>" % (" ".join(kids), len(kids))
    return pdf_file(objects)


def pdf_file(objects):
    """Objects as text or bytes, numbered from 1; the first is the catalogue."""
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number
        out += (body if isinstance(body, bytes) else body.encode()) + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table)
    return out


# --- Models ---------------------------------------------------------------------------

# A worker that finds the fact of contract() and nothing else.
READER = """
when body contains "is ninety days"
say ninety days

say not stated
"""

PLAN = json.dumps({"tasks": [{"id": "t1", "ask": "How long is the notice period?",
                              "where": {"terms": ["notice period"]}}]})
CONCLUSION = json.dumps({"rests_on": ["f1"], "answer": "It is ninety days [f1]."})


def supervisor(*replies):
    """A supervisor that says each of these once, then the last again and again."""
    rules = ["when path contains \"/chat\"\ntimes 1\nsay %s\n" % quote_line(reply)
             for reply in replies[:-1]]
    return "\n".join(rules + ["when path contains \"/chat\"\nsay %s\n" %
                              quote_line(replies[-1])])


def quote_line(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


# --- The JSON of an answer -------------------------------------------------------------

KEYS = ["schema", "run", "protocol", "status", "answer", "structured", "citations", "coverage",
        "usage", "egress", "seconds", "warnings"]
USAGE = ["requests", "prompt_tokens", "cached_tokens", "completion_tokens", "seconds"]
COVERAGE = ["chunks", "read", "found", "absent", "failed", "skipped"]


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_answer(answer):
    """The documented shape, and what must hold of every run."""
    assert list(answer) == KEYS, list(answer)
    assert answer["schema"] == "legwork.answer/1"
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", answer["run"]), answer["run"]
    assert answer["protocol"] in ("local", "remote", "minion", "minions")
    assert answer["status"] in ("answered", "partial", "not_found")
    assert isinstance(answer["answer"], str) and answer["answer"]
    if answer["structured"] is not None:
        assert answer["structured"] == json.loads(answer["answer"]), answer["structured"]
    assert isinstance(answer["seconds"], (int, float)) and answer["seconds"] >= 0
    assert all(isinstance(warning, str) for warning in answer["warnings"])
    assert list(answer["usage"]) == ["local", "remote"]
    for side in answer["usage"].values():
        assert list(side) == USAGE and all(is_count(side[key]) for key in USAGE[:-1]), side
    assert list(answer["egress"]) == ["calls", "bytes", "document_chars", "to"]
    assert list(answer["coverage"]) == COVERAGE
    check_coverage(answer["coverage"])
    for number, citation in enumerate(answer["citations"], 1):
        check_citation(citation, number)
    return answer


def check_coverage(coverage):
    assert all(is_count(n) for n in coverage.values()), coverage
    parts = sum(coverage[key] for key in ("found", "absent", "failed", "skipped"))
    assert parts == coverage["chunks"], coverage
    assert coverage["read"] == coverage["found"] + coverage["absent"], coverage


def check_citation(citation, number):
    assert list(citation) == ["n", "doc", "page", "start", "end", "quote", "match"], citation
    assert citation["n"] == number, citation
    assert citation["page"] is None or citation["page"] >= 1, citation
    assert citation["match"] in ("exact", "folded", "none"), citation
    assert is_count(citation["start"]) and citation["start"] <= citation["end"], citation


def check_quotes(case, answer):
    """Every exact quote stands where it says, in what `legwork text` prints."""
    texts = {}
    for citation in answer["citations"]:
        doc = citation["doc"]
        if doc not in texts:
            texts[doc] = ok(case.legwork("text", doc)).raw
        if citation["match"] == "exact":
            there = texts[doc][citation["start"]:citation["end"]]
            assert there == citation["quote"].encode(), (there, citation)
