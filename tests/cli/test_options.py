"""Where options come from, and which source wins."""
from support import CONCLUSION, PLAN, READER, contract, expect, ok, supervisor

QUESTION = "How long is the notice period?"


def ask(case, *args, env=None):
    return case.legwork("ask", "--json", *args, QUESTION, "a.txt", env=env)


def test_flag_over_environment_over_file_over_default(case):
    case.write("a.txt", contract(6))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    case.config("local = %s\nremote = %s\n" % (worker.url, remote.url))
    assert ok(ask(case)).json["protocol"] == "minions"
    case.config("local = %s\nremote = %s\nprotocol = minion\n" % (worker.url, remote.url))
    env = {"LEGWORK_PROTOCOL": "minions"}
    assert ok(ask(case, env=env)).json["protocol"] == "minions"
    assert ok(ask(case, "--protocol", "local", env=env)).json["protocol"] == "local"


def test_names_of_minions_are_understood(case):
    case.write("a.txt", contract(6))
    worker, remote = case.server(READER), case.server(supervisor(PLAN, CONCLUSION))
    env = {"MINIONS_LOCAL": worker.url, "MINIONS_REMOTE": remote.url}
    assert ok(ask(case, env=env)).json["protocol"] == "minions"
    env["LEGWORK_LOCAL"] = "http://127.0.0.1:1/v1#nobody"
    expect(ask(case, env=env), 4)


def test_bad_variable_is_named(case):
    expect(ask(case, env={"LEGWORK_ROUNDS": "many"}), 2, "LEGWORK_ROUNDS")
    # LEGWORK_NO_KV_CACH would keep what was not to be kept, and say nothing.
    expect(ask(case, env={"LEGWORK_NO_KV_CACH": "1"}), 9, "LEGWORK_NO_KV_CACHE?")
    assert "MY_OWN" not in ask(case, env={"LEGWORK_MY_OWN_THING": "1"}).err
    assert "LEGWORK_MODELS_DIR?" in ok(case.legwork("models", env={"LEGWORK_MODEL_DIR": "/"})).err


def test_bad_configuration_is_named_with_its_line(case):
    case.config("rounds = 2\n# a comment\nprotcol = local\n")
    expect(ask(case), 2, "config.ini, line 3", '"protcol"', '"protocol"')
    case.config("rounds 2\n")
    expect(ask(case), 2, "config.ini, line 1")
    case.config("x" * (1024 * 1024 + 1))
    expect(ask(case), 2, "config.ini", "larger")


def test_home_that_is_no_folder_holds_no_configuration(case):
    case.write("a.txt", "word")
    ok(case.legwork("text", "a.txt", env={"HOME": "/dev/null"}))


def test_empty_variable_is_no_value(case):
    case.write("a.txt", contract(6))
    env = {"LEGWORK_LOCAL": case.server(READER).url, "LEGWORK_REMOTE": ""}
    assert ok(ask(case, env=env)).json["protocol"] == "local"


def test_forms_of_an_option(case):
    case.write("a.txt", contract(6))
    url = case.server(READER).url
    for form in (["--local", url], ["--local=" + url], ["-l", url]):
        assert ok(ask(case, *form)).json["status"] == "answered"


def test_command_line_options_from_the_environment(case):
    case.write("a.txt", contract(6))
    env = {"LEGWORK_LOCAL": case.server(READER).url, "LEGWORK_JSON": "yes"}
    assert ok(case.legwork("ask", QUESTION, "a.txt", env=env)).json["status"] == "answered"
