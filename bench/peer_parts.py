"""The parts of bench/peer.py: each measures one thing and adds rows to the report.

A part is a function of (setup, model, report). setup has the options, the
paths of the programs and a scratch folder. A part that has to say why it cannot
run raises Skip.
"""
import contextlib
import json
import os
import platform
import shutil
import statistics
import types

import evaluate
import peer_matter
import peer_run

# The server at its best for this work (shared prompts, short replies, CPU), and as it is
# started by someone who has not read its manual. Slots: None where the server chooses.
SLOTS = 4
BEST = ["-np", str(SLOTS), "-c", str(SLOTS * 2048), "-no-kvu", "-cram", "0", "-fa", "on"]
if platform.machine() in ("x86_64", "AMD64"):
    BEST.append("--no-repack")      # reads K-quants faster: src/engine/repack.h


KEPT = "64G"        # more than any document's states


class Skip(Exception):
    pass


def write_lines(path, values):
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(v) + "\n" for v in values)
    return path


def scratch(setup, name):
    return os.path.join(setup.scratch, name)


def session_options(setup, model, *more, kept=False):
    """For a program over the public header. No run finds what another one has read, but
    where that is wanted."""
    keeps = [f"kv-cache={KEPT}" if kept else "kv-cache=0"] if setup.keeps_states else []
    return [f"local={model}", f"threads={setup.threads}", *keeps, *more]


# --- Both sides ---------------------------------------------------------------------

def engine(setup, model, jobs):
    """(replies, totals, Meter) of peer_engine over the jobs."""
    path = write_lines(scratch(setup, "jobs.jsonl"), jobs)
    lines, _, meter = peer_run.run([setup.program("peer_engine"), model,
                                    str(setup.threads), path])
    total = lines.pop()["total"]
    if total["failed"]:
        why = next(line["error"] for line in lines if line["error"])
        raise peer_run.Failed(f"{total['failed']} jobs failed: {why}")
    return lines, total, meter


def serve(setup, model, jobs, pinned):
    """(replies, Meter) of a fresh server over the jobs: pinned, a slot reads whole pieces,
    one job after the other; else all jobs are sent at once."""
    flags = ["-t", str(setup.threads)] + (BEST if pinned else [])
    warm = {"id": "", "system": "You are a greeter.", "user": ["Hello"], "tokens": 2}
    with peer_run.Server(setup.server, model, flags) as server:
        slots = range(SLOTS) if pinned else [None]
        server.chat_all([[warm]] * len(slots), slots)
        if pinned:
            queues = [[j for j in jobs if int(j["id"].split(".")[0]) % SLOTS == slot]
                      for slot in slots]
        else:
            queues, slots = [[job] for job in jobs], [None] * len(jobs)
        with peer_run.Meter(server.process.pid) as meter:
            replies = server.chat_all(queues, slots)
    return replies, meter


SERVERS = (("llama-server, best flags", True), ("llama-server, defaults", False))


def tokens_of(replies):
    return {"computed": sum(r["prompt_tokens"] - r["cached_tokens"] for r in replies),
            "decoded": sum(r["completion_tokens"] for r in replies)}


def need_matter(setup, n_documents, n_questions):
    if not os.path.isdir(setup.pack):
        raise Skip(f"no evaluation pack at {setup.pack}")
    chosen = peer_matter.choose(setup.pack, n_documents, setup.chunks, n_questions)
    if not chosen:
        raise Skip(f"no document of the pack has {setup.chunks} pieces and {n_questions} "
                   "questions")
    return chosen


def question_counts(setup):
    return (2, 1) if setup.quick else (3, 1)


# --- 1. Engine against engine ---------------------------------------------------------

def part_engine(setup, model, report):
    """The same prompts and a JSON reply of the same schema from both."""
    matter = need_matter(setup, 1, question_counts(setup)[0])[0]
    for n_tasks in question_counts(setup):
        jobs = matter.jobs(n_tasks)
        for number in range(setup.runs):
            ours, total, meter = engine(setup, model, jobs)
            side = "legwork, drafting as tuned" if total["tuned"] else "legwork"
            add_engine(report, side, number, total["wall_s"], meter, ours, ours)
            for side, pinned in SERVERS:
                replies, meter = serve(setup, model, jobs, pinned)
                add_engine(report, side, number, meter.seconds, meter, replies, ours)


def add_engine(report, side, number, seconds, meter, replies, ours):
    chunks, tasks = (len({r["id"].split(".")[i] for r in replies}) for i in (0, 1))
    said = {r["id"]: peer_matter.value_of(r) for r in ours}
    values = [(r["id"], peer_matter.value_of(r)) for r in replies]
    report.add(f"{chunks} chunks x {tasks}", side, number, {
        "wall_s": seconds, "others": meter.others, **tokens_of(replies), "jobs": len(replies),
        "json": sum(value is not None for _, value in values),
        "same": sum(value is not None and value == said[name] for name, value in values)})


# --- 2. Work against work ---------------------------------------------------------------

def grade_texts(matter, answers, any_of, quotes):
    """Right answers, answers of which any piece's was right, quotes that stand in the text."""
    pairs = list(zip(matter.questions, answers))
    whole = matter.text.decode()
    return {"questions": len(pairs),
            "right": sum(bool(a) and evaluate.is_right(q, a) for q, a in pairs),
            "right_any": sum(any(evaluate.is_right(q, a) for a in every)
                             for q, every in zip(matter.questions, any_of)),
            "quotes": sum(bool(q) for q in quotes),
            "verbatim": sum(bool(q) and q in whole for q in quotes)}


def work_legwork(setup, model, matter, n_tasks):
    path = scratch(setup, "reading.json")
    write_lines(path, [matter.reading(n_tasks)])
    lines, _, meter = peer_run.run([setup.program("peer_read"), model, str(setup.threads),
                                    path])
    total = lines.pop()["total"]
    answers = [line["answer"] for line in lines]
    return {"wall_s": total["wall_s"], "others": meter.others, **tokens_of([total]),
            **grade_texts(matter, answers, [[a] for a in answers],
                          [line["quote"] for line in lines])}


def work_own_way(setup, model, matter, n_tasks):
    """The same text and questions through the public API, cut and read as by default."""
    path = scratch(setup, "document.txt")
    with open(path, "wb") as out:
        out.write(matter.text)
    options = types.SimpleNamespace(options=session_options(setup, model), pack="")
    questions = [("own", q) for q in matter.questions[:n_tasks]]
    with peer_run.Meter() as meter:
        results = evaluate.ask(options, path, questions)
    for result in results:
        if "error" in result:
            raise peer_run.Failed(result["message"])
    answers = ["" if r["status"] == "not_found" else r["answer"] for r in results]
    usage = [r["usage"]["local"] for r in results]
    return {"wall_s": sum(r["seconds"] for r in results), "others": meter.others,
            **tokens_of(usage),
            **grade_texts(matter, answers, [[a] for a in answers],
                          [c["quote"] for r in results for c in r["citations"]])}


def work_server(setup, model, matter, n_tasks, pinned):
    replies, meter = serve(setup, model, matter.jobs(n_tasks), pinned)
    settled = [peer_matter.settle(matter, replies, n) for n in range(n_tasks)]
    quotes = [pair[1] for pair in map(peer_matter.parse, replies) if pair]
    return {"wall_s": meter.seconds, "others": meter.others, **tokens_of(replies),
            **grade_texts(matter, [best[1] if best else "" for best, _ in settled],
                          [every for _, every in settled], quotes)}


def part_work(setup, model, report):
    """Our two steps against the server's JSON jobs, over the same excerpts."""
    matters = need_matter(setup, setup.documents, question_counts(setup)[0])
    for n_tasks in question_counts(setup):
        sides = [("legwork", lambda m, n=n_tasks: work_legwork(setup, model, m, n)),
                 ("legwork, its own cut and stop",
                  lambda m, n=n_tasks: work_own_way(setup, model, m, n))]
        sides += [(side, lambda m, n=n_tasks, p=pinned: work_server(setup, model, m, n, p))
                  for side, pinned in SERVERS]
        workload = f"{len(matters)} x {setup.chunks} chunks x {n_tasks}"
        for number in range(setup.runs):
            for side, measure in sides:
                parts = [measure(matter) for matter in matters]
                total = {key: sum(p[key] for p in parts) for key in parts[0]}
                total["others"] /= len(parts)
                report.add(workload, side, number, total)


# --- 3. Read before -----------------------------------------------------------------------

def ask_command(setup, model, cache, options, question, path):
    """The command and its environment: a cache of its own, nobody's configuration."""
    command = [setup.legwork, "ask", question, path, "--local", model, "--threads",
               str(setup.threads), "--json", *options]
    return command, {"XDG_CACHE_HOME": cache, "XDG_CONFIG_HOME": scratch(setup, "no-config")}


def ask(*args):
    """(result of `legwork ask`, Meter)."""
    command, env = ask_command(*args)
    lines, _, meter = peer_run.run(command, env, good=(0, 3))
    return lines[0], meter


def same_answer(a, b):
    """Nothing but time and counts may differ."""
    return a["answer"] == b["answer"] and a["citations"] == b["citations"]


def part_kv(setup, model, report):
    """A question over a document that was read before, in a new process each time."""
    if not setup.keeps_states:
        raise Skip("this legwork keeps no states")
    matter = need_matter(setup, 1, 2)[0]
    if setup.quick:
        path = scratch(setup, "document.txt")
        with open(path, "wb") as out:
            out.write(matter.text)
    else:
        path = os.path.join(setup.pack, "open", matter.name)
    workload = f"{os.path.getsize(path)} bytes, --read all"
    first, second = (q["task"] for q in matter.questions[:2])
    for number in range(setup.runs):
        cache = scratch(setup, "cache")
        shutil.rmtree(cache, ignore_errors=True)
        cold, meter = ask(setup, model, cache, ["--read", "all", "--no-kv-cache"], second, path)
        add_kv(report, workload, "cold", number, cold, meter, cold)
        ask(setup, model, cache, ["--read", "all"], first, path)
        warm, meter = ask(setup, model, cache, ["--read", "all"], second, path)
        add_kv(report, workload, "read before", number, warm, meter, cold,
               peer_run.folder_bytes(cache))
        # Reading with the store may have added the second question's own states.
        peer_run.forget_pages(cache)
        warm, meter = ask(setup, model, cache, ["--read", "all"], second, path)
        add_kv(report, workload, "read before, states not in the page cache", number, warm,
               meter, cold, peer_run.folder_bytes(cache))


def add_kv(report, workload, side, number, result, meter, cold, size=0):
    report.add(workload, side, number, {
        "wall_s": result["seconds"], "worker_s": result["usage"]["local"]["seconds"],
        "process_s": meter.seconds, "others": meter.others,
        **tokens_of([result["usage"]["local"]]), "index_mb": size / 1e6,
        "same": int(same_answer(result, cold))})


# --- 4. Look-ups --------------------------------------------------------------------------

@contextlib.contextmanager
def cache_in(folder):
    """Whatever is started meanwhile keeps its states there."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def index(setup, model, path):
    """Let all of a document be read before, in the cache of cache_in(), with nothing else."""
    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)
    peer_run.run([setup.legwork, "index", path, "--local", model, "--threads",
                  str(setup.threads), "--kv-cache", KEPT, "--quiet", "--json"], {})


def part_lookups(setup, model, report):
    """Right answers against the parts that may be read; every question in a new process."""
    if not os.path.isdir(setup.pack):
        raise Skip(f"no evaluation pack at {setup.pack}")
    if setup.kept and not setup.keeps_states:
        raise Skip("this legwork keeps no states")
    reads = ("1", "default") if setup.quick else ("all", "default", "1", "2", "4", "8", "16")
    pairs = peer_matter.look_ups(setup.pack, setup.sets, setup.max_chars, setup.questions)
    if setup.kept:
        pairs.sort(key=lambda pair: pair[0])
    with cache_in(scratch(setup, "cache")):
        look_up_all(setup, model, report, pairs, reads)


def look_up_all(setup, model, report, pairs, reads):
    """Each question with each number of parts, one document after the other."""
    indexed = None
    for number, (doc, question) in enumerate(pairs):
        path = os.path.join(setup.pack, "open", doc)
        if setup.kept and doc != indexed:
            index(setup, model, path)
            indexed = doc
        with open(path, "rb") as file:
            text = file.read()
        for read in reads:
            more = [] if read == "default" else [f"read={read}"]
            options = types.SimpleNamespace(
                options=session_options(setup, model, *more, kept=setup.kept),
                pack=setup.pack)
            with peer_run.Meter() as meter:
                result = evaluate.ask(options, doc, [("own", question)])[0]
            row = evaluate.grade("own", question, result, text)
            if row["status"] == "error":
                raise peer_run.Failed(row["answer"])
            report.add(question["id"], f"--read {read}", number, {
                "wall_s": row["seconds"], "worker_s": row["tokens"]["seconds"],
                "others": meter.others, "right": int(row["right"]),
                "cited": int(row["cited"]), "answered": int(row["status"] != "not_found"),
                "read": result["coverage"]["read"], "chunks": result["coverage"]["chunks"],
                "quotes": row["citations"], "verbatim": row["exact"] - len(row["faults"])})


# --- 5. Memory, overhead, cancelling, many jobs -----------------------------------------------

def part_memory(setup, model, report):
    """Peak memory of the engine with eight jobs in flight, and of a whole `legwork ask`."""
    matter = need_matter(setup, 1, 2)[0]
    path = scratch(setup, "document.txt")
    with open(path, "wb") as out:
        out.write(matter.text)
    for number in range(setup.runs):
        _, total, meter = engine(setup, model, matter.jobs(2))
        report.add("engine, 8 jobs in flight", "legwork", number,
                   {"peak_mb": total["rss_peak"] / 1e6, "others": meter.others})
        shutil.rmtree(scratch(setup, "cache"), ignore_errors=True)
        command, env = ask_command(setup, model, scratch(setup, "cache"), ["--read", "all"],
                                   matter.questions[0]["task"], path)
        _, peak, meter = peer_run.run(command, env, good=(0, 3))
        report.add("legwork ask --read all", "legwork", number,
                   {"peak_mb": peak / 1e6, "others": meter.others})


def part_overhead(setup, model, report):
    """What the engine thread does beside llama_decode(): share of wall and its own CPU."""
    n_tasks = question_counts(setup)[0]
    matter = need_matter(setup, 1, n_tasks)[0]
    for kind, tokens in (("screening, no reply", 0), ("JSON replies", peer_matter.REPLY_TOKENS)):
        for number in range(setup.runs):
            _, total, meter = engine(setup, model, matter.jobs(n_tasks, tokens))
            report.add(f"{setup.chunks} chunks x {n_tasks}, {kind}", "legwork", number, {
                "wall_s": total["wall_s"], "others": meter.others, "steps": total["steps"],
                "computed": total["tokens"], "outside_ms": 1000 * total["outside_s"],
                "outside_cpu_ms": 1000 * total["outside_cpu_s"],
                "outside_share": 100 * total["outside_s"] / total["wall_s"]})


def part_cancel(setup, model, report):
    """From lw_cancel() to the return of lw_ask(), in the middle of a long prefill."""
    matters = need_matter(setup, 1 if setup.quick else 3, 1)
    paths = [os.path.join(setup.pack, "open", m.name) for m in matters]
    trials = 3 if setup.quick else 10
    for number in range(setup.runs):
        for cancels, what in ((1, "one cancel"), (2, "two cancels")):
            lines, _, meter = peer_run.run(
                [setup.program("peer_cancel"), str(trials), str(cancels),
                 *session_options(setup, model, "chunk-tokens=3000", "read=all"), "--",
                 *paths])
            idle = [1000 * line["idle_s"] for line in lines]
            report.add(what, "legwork", number, {
                "idle_ms": statistics.median(idle), "idle_max_ms": max(idle),
                "trials": len(idle), "others": meter.others})


def part_queue(setup, model, report):
    """Many small jobs at once: what each costs while it waits, and what stays."""
    for n_jobs in ((100, 1000) if setup.quick else (1000, 10000)):
        jobs = [{"id": f"{i // 10}.{i % 10}", "system": "Answer.", "verbatim": 1, "tokens": 0,
                 "user": ["Page: ", str(i // 10), "\n", f"{i % 10}?"]} for i in range(n_jobs)]
        _, total, meter = engine(setup, model, jobs)
        report.add(f"{n_jobs} jobs", "legwork", 0, {
            "wall_s": total["wall_s"], "others": meter.others,
            "before_mb": total["rss_before"] / 1e6, "peak_mb": total["rss_peak"] / 1e6,
            "after_mb": total["rss_after"] / 1e6})


# What each part shows: (metric, column, decimals).
SPEED = [("wall_s", "seconds", 1), ("others", "others' cores", 2)]
TOKENS = [("computed", "tokens read", 0), ("decoded", "tokens written", 0)]
PARTS = {
    "engine": (part_engine, SPEED + TOKENS + [
        ("json", "valid JSON", 0), ("same", "same as legwork's", 0), ("jobs", "of", 0)]),
    "work": (part_work, SPEED + TOKENS + [
        ("right", "right", 0), ("right_any", "right in any piece", 0),
        ("questions", "of", 0), ("verbatim", "quotes verbatim", 0), ("quotes", "of", 0)]),
    "kv": (part_kv, SPEED + [
        ("worker_s", "worker s", 1), ("process_s", "whole process", 1)] + TOKENS + [
        ("index_mb", "MB on disk", 1), ("same", "same answer as cold", 0)]),
    "lookups": (part_lookups, SPEED + [
        ("worker_s", "worker s", 1), ("read", "parts read", 0), ("chunks", "of", 0),
        ("right", "right", 0), ("cited", "quote on evidence", 0), ("answered", "answered", 0),
        ("verbatim", "quotes verbatim", 0), ("quotes", "of", 0)]),
    "memory": (part_memory, [("peak_mb", "peak MB", 0), ("others", "others' cores", 2)]),
    "overhead": (part_overhead, SPEED + [
        ("steps", "steps", 0), ("computed", "tokens", 0), ("outside_ms", "outside, ms", 1),
        ("outside_cpu_ms", "its CPU, ms", 1), ("outside_share", "outside, %", 2)]),
    "cancel": (part_cancel, [("idle_ms", "median ms", 0), ("idle_max_ms", "max ms", 0),
                             ("trials", "trials", 0), ("others", "others' cores", 2)]),
    "queue": (part_queue, SPEED + [("before_mb", "MB before", 1), ("peak_mb", "at most", 1),
                                   ("after_mb", "after", 1)]),
}
