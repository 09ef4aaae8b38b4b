"""What leaves the machine, and what never does."""
import json
import os
import re
import shutil
import subprocess

import support
from support import (CONCLUSION, PLAN, READER, WORKER, check_answer, contract, expect, ok,
                     skip, supervisor)

QUESTION = "How long is the notice period?"
CANARY = "sk-canary-0123456789abcdef"


def test_no_key_makes_anything_leave(case):
    case.write("a.txt", contract(10))
    worker, elsewhere = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    env = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://%s/v1" % elsewhere.host}
    result = case.legwork("ask", "--json", "--local", worker.url, QUESTION, "a.txt", env=env)
    assert ok(result).json["protocol"] == "local"
    assert elsewhere.stats()["connections"] == 1, "only the question for this number"
    assert CANARY.encode() not in worker.received()


def test_keys_go_to_their_own_provider_only(case):
    case.write("a.txt", contract(10))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    env = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://%s/v1" % remote.host,
           "GROQ_API_KEY": "gsk-other", "LEGWORK_API_KEY": "for-urls"}
    ok(case.legwork("ask", "--local", worker.url, "--remote", "openai/m", QUESTION, "a.txt",
                    env=env))
    assert b"Bearer " + CANARY.encode() in remote.received()
    assert b"gsk-other" not in remote.received() and b"for-urls" not in remote.received()
    assert b"Bearer for-urls" in worker.received()
    assert CANARY.encode() not in worker.received()


def test_a_server_named_by_its_url_gets_the_key_of_its_role(case):
    """What listens on a port of this machine has no business with the supervisor's key."""
    case.write("a.txt", contract(10))
    for env, worker_key, remote_key in [
            ({"LEGWORK_API_KEY": CANARY}, False, True),
            ({"LEGWORK_REMOTE_API_KEY": CANARY}, False, True),
            ({"LEGWORK_LOCAL_API_KEY": CANARY}, True, False)]:
        worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
        ok(case.legwork("ask", "--local", worker.url, "--remote", remote.url, QUESTION, "a.txt",
                        env=env))
        assert (CANARY.encode() in worker.received()) == worker_key, env
        assert (CANARY.encode() in remote.received()) == remote_key, env
    # The same server in both roles, or one that is not asked: nobody to keep it from.
    key = b"Bearer " + CANARY.encode()
    idle = case.server(supervisor(PLAN, CONCLUSION))
    for both, more in [(True, ["--protocol", "minions"]),
                       (False, ["--remote", idle.url, "--protocol", "local"])]:
        server = case.server(READER)    # which makes no plan, but is asked for one
        more += ["--remote", server.url] if both else []
        case.legwork("ask", "--local", server.url, *more, QUESTION, "a.txt",
                     env={"LEGWORK_API_KEY": CANARY})
        assert len(server.bodies()) > 1
        assert server.received().count(key) == len(server.bodies()), more
    assert key not in idle.received()


def test_nobody_is_asked_for_a_key_to_send_documents_with(case):
    case.write("a.txt", contract(10))
    expect(case.legwork("ask", "--local", "openai/m", QUESTION, "a.txt"), 8,
           "--allow-worker api.openai.com")


def test_a_provider_in_capitals(case):
    case.write("a.txt", contract(10))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    env = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://%s/v1" % remote.host}
    ok(case.legwork("ask", "--local", worker.url, "--remote", "OpenAI/m", QUESTION, "a.txt", env=env))
    assert CANARY.encode() in remote.received()


def test_a_supervisor_without_its_provider(case):
    case.write("a.txt", contract(10))
    for name in ("gpt-5", "openai"):
        expect(case.legwork("ask", "--local", case.server(READER).url, "--remote", name, QUESTION,
                            "a.txt"), 2, name, "PROVIDER/MODEL")


def test_keys_are_never_printed(case):
    case.write("a.txt", contract(10))
    worker = case.server(READER)
    for script in ("status 401\n", "status 500\n", "html\nstatus 403\n", "close\n",
                   "raw {\"error\":{\"message\":\"bad key %s\"}}\nstatus 401\n" % CANARY):
        remote = case.server(script)
        env = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://%s/v1" % remote.host}
        result = case.legwork("ask", "--json", "--verbose", "--timeout", "20", "--local",
                              worker.url, "--remote", "openai/m", QUESTION, "a.txt", env=env)
        assert CANARY not in result.out and CANARY not in result.err, result


def test_keys_that_a_reply_repeats_are_never_printed(case):
    """The complaint about a plan quotes it, cut where the key may not be whole."""
    case.write("a.txt", contract(10))
    worker = case.server(READER)
    long_key = CANARY + "-0123456789" * 8
    plans = ({"tasks": [{"ask": "What?", "reduce": long_key}]}, {"tasks": long_key},
             {"tasks": [{"ask": "What?", "where": {"docs": [long_key]}}]})
    for plan in plans:
        remote = case.server(supervisor(json.dumps(plan), json.dumps(plan), CONCLUSION))
        env = {"OPENAI_API_KEY": long_key, "OPENAI_BASE_URL": "http://%s/v1" % remote.host}
        result = case.legwork("ask", "--json", "--verbose", "--local", worker.url,
                              "--remote", "openai/m", QUESTION, "a.txt", env=env)
        expect(result, 0, "no plan came")
        assert CANARY[:16] not in result.out and CANARY[:16] not in result.err, result


def test_a_missing_key_is_named(case):
    case.write("a.txt", contract(10))
    worker = case.server(READER)
    expect(case.legwork("ask", "--local", worker.url, "--remote", "openai/m", QUESTION, "a.txt"),
           6, "OPENAI_API_KEY")


def test_file_names_are_never_sent(case):
    case.write("folder-canary/name-canary.txt", contract(20))
    worker = case.server(READER)
    replies = {
        "minions": supervisor(PLAN, CONCLUSION),
        "minion": supervisor('{"message": "How long is the notice period?"}', CONCLUSION),
        "remote": supervisor('{"answer": "Ninety days.", "quotes": []}'),
    }
    for protocol, script in replies.items():
        remote = case.server(script)
        case.legwork("ask", "--protocol", protocol, "--local", worker.url, "--remote",
                     remote.url, QUESTION, "folder-canary")
        assert remote.bodies() and b"canary" not in remote.received(), protocol
    assert b"canary" not in worker.received()


def test_about_is_sent_and_nothing_else_of_the_documents(case):
    case.write("a.txt", contract(20))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    result = case.legwork("ask", "--json", "--about", "a lease of 1999", "--local", worker.url,
                          "--remote", remote.url, QUESTION, "a.txt")
    answer = check_answer(ok(result).json)
    first = remote.bodies()[0]
    assert "a lease of 1999" in str(first) and "painted blue" not in str(first)
    assert answer["egress"]["document_chars"] < 200


# Another machine that is none: what goes to worker.example goes through a proxy, which
# is the fake provider. Nothing here reaches a network.
ELSEWHERE = "http://worker.example:8000/v1#fake-model"


def through(server):
    return {"http_proxy": "http://" + server.host}


def test_worker_elsewhere_must_be_allowed(case):
    case.write("a.txt", contract(10))
    worker = case.server(READER)
    args = ["ask", "--json", "--local", ELSEWHERE, QUESTION, "a.txt"]
    expect(case.legwork(*args, env=through(worker)), 8, "--allow-worker worker.example",
           "another machine")
    for other in ("worker", "example", "worker.example:80", "xworker.example", "127.0.0.1"):
        expect(case.legwork(*args, "--allow-worker", other, env=through(worker)), 8)
    assert worker.stats()["requests"] == 0
    for allowed in ("worker.example", "Worker.Example:8000", "a.example,worker.example",
                    "a.example, worker.example ", "a.example , worker.example:8000"):
        result = case.legwork(*args, "--allow-worker", allowed, env=through(worker))
        expect(result, 0, "another machine", "left this device for worker.example:8000:")
        answer = check_answer(result.json)
        assert answer["egress"]["to"] == ["worker.example:8000"], answer["egress"]
        assert answer["egress"]["calls"] == answer["usage"]["local"]["requests"]
        assert answer["egress"]["document_chars"] > 0.9 * len(contract(10))


def test_file_names_are_not_sent_to_a_worker_elsewhere(case):
    """The lines of an answer on each document begin with its name, on this machine."""
    case.write("schema.json", json.dumps({
        "type": "object", "properties": {"d1": {"type": "string"}}, "required": ["d1"]}))
    for n in (1, 2):
        case.write(f"papers/name-canary-{n}.txt", contract(10 * n))
    worker = case.server("""
when body contains "Put this answer into JSON"
say {"d1": "ninety days"}
""" + READER)
    args = ["ask", "--json", "--local", ELSEWHERE, "--allow-worker", "worker.example",
            "What is the notice period in each contract?", "papers"]
    answer = check_answer(ok(case.legwork(*args, env=through(worker))).json)
    assert "name-canary-1.txt: " in answer["answer"], answer["answer"]
    args[2:2] = ["--schema", "schema.json"]
    answer = check_answer(ok(case.legwork(*args, env=through(worker))).json)
    assert answer["answer"] == '{"d1":"ninety days"}', answer["answer"]
    assert b"d1: " in worker.received() and b"canary" not in worker.received()


def test_a_machine_of_both_models_is_named_once(case):
    case.write("a.txt", contract(10))
    reads = 'when body contains "%s"\n' % WORKER
    both = case.server(reads + READER.strip().replace("\n\n", "\n\n" + reads) + "\n\n" +
                       supervisor(PLAN, CONCLUSION))
    result = case.legwork("ask", "--json", "--local", ELSEWHERE, "--allow-worker",
                          "worker.example", "--remote", ELSEWHERE.replace("fake", "large"),
                          QUESTION, "a.txt", env=through(both))
    expect(result, 0, "left this device for worker.example:8000: ")
    assert result.json["egress"]["to"] == ["worker.example:8000"], result.json["egress"]


def test_a_machine_that_got_nothing_is_not_named(case):
    case.write("a.txt", contract(10))
    remote = case.server("status 401\n")
    result = case.legwork("ask", "--local", ELSEWHERE, "--allow-worker", "worker.example",
                          "--remote", "http://remote.example:8000/v1#m", QUESTION, "a.txt",
                          env=through(remote))
    expect(result, 6, "left this device for remote.example:8000: ")


def test_worker_at_an_address_of_ipv6_must_be_allowed(case):
    case.write("a.txt", contract(10))
    args = ["ask", "--local", "http://[fd00::7]:8000/v1#fake-model", QUESTION, "a.txt"]
    worker = case.server(READER)
    expect(case.legwork(*args, env=through(worker)), 8, "--allow-worker [fd00::7]")
    expect(case.legwork(*args, "--allow-worker", "fd00::7:8000", env=through(worker)), 8)
    for allowed in ("[fd00::7]", "fd00::7", "[FD00::7]:8000"):
        ok(case.legwork(*args, "--allow-worker", allowed, env=through(worker)))


def test_allowed_workers_of_the_configuration(case):
    case.write("a.txt", contract(10))
    worker = case.server(READER)
    case.config("allow-worker = b.example\nallow-worker = worker.example\n")
    ok(case.legwork("ask", "--local", ELSEWHERE, QUESTION, "a.txt", env=through(worker)))


def test_a_listed_model_of_a_cloud_is_not_sent_the_documents(case):
    case.write("a.txt", contract(10))
    for name in ("gpt-oss:120b-cloud", "gpt-oss:120b-CLOUD"):
        worker = case.server('when path contains "/models"\n'
                             'raw {"data":[{"id":"%s"}]}\n\n' % name + READER)
        url = worker.url.partition("#")[0]
        for local in (url, url + "#" + name):
            expect(case.legwork("ask", "--local", local, QUESTION, "a.txt"), 8, name)
        asked = ["--protocol", "remote", "--remote", url, QUESTION, "a.txt"]
        expect(case.legwork("ask", *asked), 8, name, "behind #")
        assert not worker.bodies()


def test_a_cloud_model_under_another_name_is_not_sent_the_documents(case):
    """`ollama cp gpt-oss:120b-cloud reader`: only the server knows where that one runs."""
    case.write("a.txt", contract(10))
    worker = case.server('when path contains "/api/show"\n'
                         'raw {"remote_host":"https://cloud.example:443",'
                         '"remote_model":"gpt-oss:120b"}\n\n' + READER)
    env = {"OLLAMA_HOST": worker.host}
    for asked in (["--local", "ollama/reader"],
                  ["--protocol", "remote", "--remote", "ollama/reader"]):
        expect(case.legwork("ask", *asked, QUESTION, "a.txt", env=env), 8, "ollama/reader",
               "cloud.example")
    assert not worker.bodies()


def test_a_model_that_is_only_listed_is_asked_for_its_host(case):
    """An Ollama at its port, whose first model is taken."""
    case.write("a.txt", contract(10))
    listed = ('when path contains "/models"\nraw {"data":[{"id":"reader"}]}\n\n'
              'when path contains "/api/show"\nraw {"parameters":"num_ctx 8192"}\n\n')
    worker = case.server(listed + READER)
    args = ["ask", "--local", "http://worker.example:11434", "--allow-worker",
            "worker.example", QUESTION, "a.txt"]
    ok(case.legwork(*args, env=through(worker)))
    assert b'{"model":"reader"}' in worker.received(), worker.received()[:2000]


def test_no_key_over_plain_http_to_another_machine(case):
    case.write("a.txt", contract(10))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    env = dict(through(remote), OPENAI_API_KEY=CANARY,
               OPENAI_BASE_URL="http://worker.example:8000/v1")
    result = case.legwork("ask", "--local", worker.url, "--remote", "openai/m", QUESTION,
                          "a.txt", env=env)
    assert result.status != 0 and CANARY not in result.err, result
    assert CANARY.encode() not in remote.received()


def traced(case, *args):
    """System calls of the program and its children, one a line."""
    if not shutil.which("strace"):
        skip("no strace")
    log = case.folder / "trace"
    command = ["strace", "-f", "-y", "-qq", "-s", "300", "-o", str(log), "-e",
               "trace=connect,sendto,open,openat,creat,mkdir,mkdirat,rename,renameat,unlink,"
               "unlinkat"]
    env = case.environment({"ASAN_OPTIONS": "detect_leaks=0"})
    run = subprocess.run(command + case.command(*args), env=env, cwd=case.folder,
                         stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False)
    if b"PTRACE" in run.stderr or b"ptrace" in run.stderr:
        skip("strace may not trace here")
    return run, log.read_text(errors="replace").splitlines()


def written(calls):
    """Paths that were opened for writing, made, renamed or removed."""
    for call in calls:
        name = re.search(r"\b(\w+)\(", call)
        # A name beneath an open folder stands behind that folder: 5</folder>, "name"
        path = re.search(r'(?:(?:\d+|AT_FDCWD)<([^>"]*)>, )?"([^"]*)"', call)
        if not name or not path or re.search(r"= -1 ", call):
            continue
        opened = name.group(1) in ("open", "openat", "creat")
        if not opened or re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", call):
            if name.group(1) not in ("connect", "sendto"):
                yield os.path.join(path.group(1) or "", path.group(2))


def check_local_trace(case, calls):
    network = [c for c in calls if re.search(r"connect\(.*AF_INET", c)]
    assert not network, network
    own = str(case.home)
    outside = [p for p in written(calls)
               if not p.startswith((own, "/dev/null", "/dev/tty", "/proc/self"))]
    assert not outside, outside


@support.alone
def test_local_makes_no_connection_and_writes_nothing(case):
    model = support.shared["model"] or skip("no SmolLM2-135M in the model folder")
    case.write("a.txt", contract(4))
    if shutil.which("pdftotext"):
        case.write("b.pdf", support.pdf([["Some words of no importance."]]))
    files = [name for name in ("a.txt", "b.pdf") if os.path.exists(case.folder / name)]
    run, calls = traced(case, "ask", "--json", "--local", model, "--context", "1024",
                        "--threads", "1", QUESTION, *files)
    assert run.returncode in (0, 3), run
    assert any("a.txt" in c for c in calls)
    check_local_trace(case, calls)


@support.alone
def test_index_and_forget_write_only_what_is_theirs(case):
    model = support.shared["model"] or skip("no SmolLM2-135M in the model folder")
    case.write("a.txt", support.FACT)
    run, calls = traced(case, "index", "--local", model, "--context", "1024", "--threads", "1",
                        "a.txt")
    assert run.returncode == 0, run
    kept = [path for path in written(calls) if path.endswith(".tmp")]
    assert kept and all("/.cache/legwork/kv/" in path for path in kept), kept
    check_local_trace(case, calls)
    run, calls = traced(case, "forget", "--all")
    assert run.returncode == 0, run
    check_local_trace(case, calls)


def test_text_makes_no_connection_and_writes_nothing(case):
    case.write("a.txt", contract(4))
    run, calls = traced(case, "text", "a.txt")
    assert run.returncode == 0, run
    check_local_trace(case, calls)
