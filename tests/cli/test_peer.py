"""bench/peer.py without models: what it cuts, counts and writes, with a made-up server."""
import io
import json
import os
import pathlib
import sys

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import peer  # noqa: E402  (needs the path above)
import peer_matter  # noqa: E402
import peer_run  # noqa: E402

# Replies with the slot and the task that it was sent.
SERVER = """#!%s
import http.server, json, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, value):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def do_GET(self):
        self.reply({})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = {"slot": body.get("id_slot"), "asked": body["messages"][1]["content"],
                "schema": "response_format" in body}
        self.reply({"choices": [{"message": {"content": json.dumps(said)}}],
                    "timings": {"prompt_n": 10, "cache_n": 90, "predicted_n": 5}})

port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
""" % sys.executable

TEXT = "".join(f"Line {i} tells of nothing.\n" for i in range(200)).encode()


def matter():
    cuts = [0, 27, 54]
    text = b"The fee is 30 francs a day.The lake is cold in winter."
    question = {"task": "What is the fee?", "scoring": "contains", "kind": "free_text",
                "answer": "30 francs", "answers": ["30 francs"], "options": None}
    return peer_matter.Matter("fees", text, cuts, [question])


def reply(chunk, answer, quote=""):
    return {"id": f"{chunk}.0", "text": json.dumps({"answer": answer, "quote": quote})}


def test_pieces_tile_the_text(case):
    cuts = peer_matter.cut(TEXT, 300, len(TEXT))
    assert cuts[0] == 0 and cuts[-1] == len(TEXT) and cuts == sorted(set(cuts))
    assert all(TEXT[cut - 1:cut] == b"\n" for cut in cuts[1:])
    assert len(peer_matter.cut(TEXT, 300, 3)) == 4
    for text, part in peer_matter.windows(TEXT, 4):
        assert part[0] == 0 and part[-1] == len(text) and text in TEXT


def test_an_answer_that_stands_in_its_piece_comes_first(case):
    replies = [reply(1, "40 francs"), reply(0, "30 francs", "The fee is 30 francs a day."),
               reply(1, None), {"id": "1.0", "text": "no JSON"}]
    best, every = peer_matter.settle(matter(), replies, 0)
    assert best[:2] == (0, "30 francs") and every == ["40 francs", "30 francs"]
    assert peer_matter.settle(matter(), [reply(0, "not stated")], 0) == (None, [])


def test_a_server_gets_each_piece_in_its_slot(case):
    program = case.write("llama-server", SERVER)
    os.chmod(program, 0o755)
    jobs = matter().jobs(1)
    with peer_run.Server(program, "model.gguf", []) as server:
        with peer_run.Meter(server.process.pid) as meter:
            replies = server.chat_all([jobs[:1], jobs[1:]], [3, None])
    said = sorted((json.loads(r["text"]) for r in replies), key=lambda s: s["slot"] is None)
    assert [s["slot"] for s in said] == [3, None] and all(s["schema"] for s in said)
    assert said[0]["asked"].startswith("Excerpt:\n---\nThe fee")
    assert {r["cached_tokens"] for r in replies} == {90} and meter.seconds > 0


def test_a_server_that_does_not_start_says_why(case):
    program = case.write("llama-server", "#!/bin/sh\necho 'no such model' >&2\nexit 1\n")
    os.chmod(program, 0o755)
    try:
        with peer_run.Server(program, "model.gguf", []):
            raise AssertionError("it has started")
    except peer_run.Failed as why:
        assert "no such model" in str(why)


def test_medians_go_into_the_table_and_runs_into_the_file(case):
    stem = case.write("results/peer", "")
    report = peer.Report(str(stem), ["a machine"], log=io.StringIO())
    report.begin("engine", "tiny")
    for run, seconds in enumerate((2.0, 9.0, 4.0)):
        report.add("12 x 3", "legwork", run, {"wall_s": seconds})
        report.add("12 x 3", "server", run, {"wall_s": 2 * seconds})
    report.end(report.table([("wall_s", "seconds", 1)]))
    with open(f"{stem}.md", encoding="utf-8") as file:
        table = file.read()
    assert "- a machine\n" in table and "| 12 x 3 | legwork | 3 | 4.0 | 1.00 |" in table
    assert "| 12 x 3 | server | 3 | 8.0 | 2.00 |" in table
    with open(f"{stem}.csv", encoding="utf-8") as file:
        assert "engine,tiny,12 x 3,server,1,wall_s,18" in file.read()
