"""The receipt: egress.bytes is what the other side received, to the byte."""
import json
import signal

from support import (CONCLUSION, PLAN, READER, check_answer, contract, expect, ok, quote_line,
                     supervisor)

QUESTION = "How long is the notice period?"
FIRST = 'when path contains "/chat"\ntimes 1\n'
# Another machine that is none: it is reached through a proxy, which is the fake provider.
ELSEWHERE = "http://worker.example:8000/v1#fake-model"
BAD_PLAN = json.dumps({"tasks": [{"id": "t1", "ask": "How long?", "reduce": "average"}]})


def command(case, script, *args):
    case.write("a.txt", contract(20))
    worker, remote = case.server(READER), case.server(script)
    return remote, ["ask", "--json", "--chunk-tokens", "100", "--local", worker.url,
                    "--remote", remote.url, *args, QUESTION, "a.txt"]


def balance(answer, server):
    """What legwork says it sent, against what came."""
    check_answer(answer)
    stats = server.stats()
    said = (answer["egress"]["bytes"], answer["egress"]["calls"])
    assert said == (stats["body_bytes"], stats["requests"]), (said, stats)
    return stats


def balanced(case, script, status, n_requests, *args):
    remote, line = command(case, script, *args)
    answer = expect(case.legwork(*line), status).json
    stats = balance(answer, remote)
    assert stats["requests"] == n_requests, stats
    return answer, remote


def test_two_calls(case):
    balanced(case, supervisor(PLAN, CONCLUSION), 0, 2)


def test_busy_and_tried_again(case):
    again = FIRST + "status 429\nheader Retry-After: 0\n\n"
    balanced(case, again + supervisor(PLAN, CONCLUSION), 0, 3)


def test_broken_and_tried_again(case):
    balanced(case, FIRST + "status 500\n\n" + supervisor(PLAN, CONCLUSION), 0, 3)


def test_refused_parameter(case):
    balanced(case, FIRST + "refuse temperature\n\n" + supervisor(PLAN, CONCLUSION), 0, 3)


def test_connection_closed_instead_of_an_answer(case):
    balanced(case, FIRST + "close\n\n" + supervisor(PLAN, CONCLUSION), 0, 3)


def test_kept_connection_that_is_dead(case):
    """The HTTP library sends again by itself then; the receipt has it."""
    script = FIRST + "say %s\n\n" % quote_line(PLAN) + FIRST + "close\n\n"
    balanced(case, script + supervisor(CONCLUSION), 0, 3)


def test_reply_cut_in_the_middle(case):
    script = FIRST + "say %s\ntruncate 40\n\n" % quote_line(PLAN)
    balanced(case, script + supervisor(PLAN, CONCLUSION), 0, 3)


def test_repair_of_what_is_no_json(case):
    balanced(case, supervisor("Let me think.", PLAN, CONCLUSION), 0, 3)


def test_repair_of_a_plan_that_cannot_be_used(case):
    balanced(case, supervisor(BAD_PLAN, PLAN, CONCLUSION), 0, 3)


def test_answer_put_into_a_schema(case):
    case.write("schema.json", json.dumps({
        "type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}))
    script = 'when body contains "Put this answer into JSON"\ntimes 1\nsay ninety\n\n'
    script += 'when body contains "Put this answer into JSON"\nsay {\\"days\\": 90}\n\n'
    balanced(case, script + supervisor(PLAN, CONCLUSION), 0, 4, "--schema", "schema.json")


def test_key_refused_half_way(case):
    script = FIRST + "say %s\n\nstatus 401\n" % quote_line(PLAN)
    balanced(case, script, 10, 2)


def test_hang_until_the_time_limit(case):
    script = FIRST + "say %s\n\nhang before\n" % quote_line(PLAN)
    balanced(case, script, 124, 2, "--timeout", "3")


def test_cancelled_while_the_supervisor_thinks(case):
    script = FIRST + "say %s\n\nhang before\n" % quote_line(PLAN)
    remote, line = command(case, script)
    child = case.start(*line)
    remote.wait_for_requests(2)
    child.send_signal(signal.SIGINT)
    balance(expect(case.finish(child), 10).json, remote)


def test_retries_send_the_documents_again(case):
    reply = json.dumps({"answer": "Ninety days [1].", "quotes": []})
    args = ("--protocol", "remote")
    once, _ = balanced(case, supervisor(reply), 0, 1, *args)
    script = FIRST + "status 500\n\n" + supervisor(reply)
    twice, _ = balanced(case, script, 0, 2, *args)
    assert twice["egress"]["bytes"] == 2 * once["egress"]["bytes"]
    assert twice["egress"]["document_chars"] == 2 * once["egress"]["document_chars"]


def test_documents_are_counted_behind_escapes(case):
    """Line ends and quotes are escaped on the wire; runs of characters go over them."""
    text = '"a"\nb\t"c"\n\\d\\\n' * 40
    case.write("b.txt", text)
    remote = case.server(supervisor(json.dumps({"answer": "Nothing.", "quotes": []})))
    result = case.legwork("ask", "--json", "--protocol", "remote", "--remote", remote.url,
                          QUESTION, "b.txt")
    answer = result.json
    balance(answer, remote)
    assert abs(answer["egress"]["document_chars"] - len(text)) < 20, answer["egress"]


def test_worker_on_another_machine(case):
    case.write("a.txt", contract(10))
    worker = case.server('when body contains "Paragraph 3 tells"\ntimes 1\nstatus 500\n\n' +
                         READER)
    result = case.legwork("ask", "--json", "--read", "all", "--chunk-tokens", "100", "--local",
                          ELSEWHERE, "--allow-worker", "worker.example", QUESTION, "a.txt",
                          env={"http_proxy": "http://" + worker.host})
    answer = ok(result).json
    stats = balance(answer, worker)
    assert stats["requests"] == answer["coverage"]["chunks"] + 1, stats


def test_question_about_the_server_itself(case):
    """Ollama is asked what it serves: that is a body too, if it is on another machine."""
    case.write("a.txt", contract(10))
    worker = case.server('when path contains "/api/show"\n'
                         'raw {"parameters":"num_ctx 8192"}\n\n' + READER)
    env = {"OLLAMA_HOST": "worker.example:8000", "http_proxy": "http://" + worker.host}
    args = ["ask", "--json", "--local", "ollama/m", QUESTION, "a.txt"]
    expect(case.legwork(*args, env=env), 8, "--allow-worker worker.example")
    assert worker.stats()["requests"] == 0, "nothing leaves before it is allowed"
    answer = ok(case.legwork(*args, "--allow-worker", "worker.example", env=env)).json
    balance(answer, worker)
    assert b"/api/show" in worker.received()


def test_question_without_a_body(case):
    """Which model a server has is asked with a GET: a request of no bytes, with the key."""
    case.write("a.txt", contract(10))
    script = 'when path contains "/models"\nraw {"data":[{"id":"m"}]}\n\n'
    worker = case.server(READER)
    remote = case.server(script + supervisor(PLAN, CONCLUSION))
    line = ["ask", "--json", "--local", worker.url, "--remote", remote.url.partition("#")[0],
            QUESTION, "a.txt"]
    stats = balance(ok(case.legwork(*line)).json, remote)
    assert stats["requests"] == 3, stats
    remote = case.server("status 401\n")
    result = case.legwork("ask", "--protocol", "remote", "--remote",
                          remote.url.partition("#")[0], QUESTION, "a.txt")
    expect(result, 6, "Sent to a server on this device: 1 request, 0 bytes")


def test_receipt_of_a_run_that_failed(case):
    """Without a result there is no JSON; what left is said all the same."""
    case.write("a.txt", contract(10))
    remote = case.server("status 401\n")
    line = ["ask", "--protocol", "remote", "--remote", remote.url, QUESTION, "a.txt"]
    result = expect(case.legwork(*line), 6)
    stats = remote.stats()
    assert stats["requests"] == 1 and result.out == "", result
    said = "Sent to a server on this device: 1 request, {:,} bytes".format(stats["body_bytes"])
    assert said in result.err, (said, result.err)
    assert "Sent to" not in case.legwork(*line, "--quiet").err
