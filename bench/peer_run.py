"""Running both sides: programs, llama-server, and what else the machine was doing.

Used by bench/peer.py. Everything here starts processes and takes times; nothing
knows what is measured.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 300          # for a server to load its model


# --- The machine ------------------------------------------------------------------

def busy_seconds():
    """CPU time of all there is on this machine since it was started (Linux), else None."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(f) for f in file.readline().split()[1:9]]
    except OSError:
        return None
    idle, iowait = fields[3:5]
    return (sum(fields) - idle - iowait) / TICKS


def process_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Meter:
    """The wall time of a block, and the cores that others used meanwhile.

    Ours are this process, children that were started and waited for inside the
    block, and the living ones in pids.
    """

    def __init__(self, *pids):
        self.pids = pids
        self.seconds = self.others = float("nan")

    def _now(self):
        own = sum(os.times()[:4]) + sum(process_seconds(p) for p in self.pids)
        return time.monotonic(), busy_seconds(), own

    def __enter__(self):
        self._begin = self._now()
        return self

    def __exit__(self, failed, *_):
        if failed:
            return
        begin, end = self._begin, self._now()
        self.seconds = end[0] - begin[0]
        if end[1] is not None:
            self.others = max(0.0, end[1] - begin[1] - (end[2] - begin[2])) / self.seconds


# --- Programs ---------------------------------------------------------------------

class Failed(Exception):
    """A program of either side ended with an error; the message is fit to print."""


def run(command, env=None, good=(0,)):
    """(lines of JSON that it printed, its peak memory in bytes, Meter of all of it)."""
    with tempfile.TemporaryFile() as errors, Meter() as meter:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors,
                                   stdin=subprocess.DEVNULL,
                                   env={**os.environ, **(env or {})})
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in good:
            errors.seek(0)
            raise Failed(f"{' '.join(command)}: {errors.read().decode()[-500:].strip()}")
    return [json.loads(line) for line in output.splitlines()], usage.ru_maxrss * 1024, meter


def forget_pages(folder):
    """Put the files of a folder out of the page cache, so that they come from disk."""
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(path, name))
               for path, _, names in os.walk(folder) for name in names)


# --- llama-server -----------------------------------------------------------------

class Server:
    """A llama-server on loopback, from loaded to ended; use it with `with`."""

    def __init__(self, binary, model, flags):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [binary, "-m", model, "--host", "127.0.0.1", "--port", str(self.port), *flags],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def _is_ready(self):
        try:
            return self.request("GET", "/health")[0] == 200
        except OSError:
            return False

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                tail = self.log.read().decode(errors="replace")[-800:]
                raise Failed(f"llama-server did not start: {tail}")
            time.sleep(0.1)

    def __enter__(self):
        try:
            self._wait()
        except BaseException:       # an interrupt too: no server is left behind
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        try:
            connection.request(method, path, body and json.dumps(body),
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def chat(self, job, slot=None):
        """A job of peer_engine.c as a chat; the same fields come back."""
        body = {"messages": [{"role": "system", "content": job["system"]},
                             {"role": "user", "content": "".join(job["user"])}],
                "max_tokens": job["tokens"], "temperature": 0, "cache_prompt": True}
        if "schema" in job:
            body["response_format"] = {"type": "json_schema", "json_schema": {
                "name": "reply", "schema": job["schema"]}}
        if slot is not None:
            body["id_slot"] = slot
        status, text = self.request("POST", "/v1/chat/completions", body)
        if status != 200:
            raise Failed(f"llama-server says {status}: {text[:300].decode(errors='replace')}")
        reply = json.loads(text)
        took = reply["timings"]
        return {"id": job["id"], "text": reply["choices"][0]["message"]["content"] or "",
                "prompt_tokens": took["prompt_n"] + took["cache_n"],
                "cached_tokens": took["cache_n"], "completion_tokens": took["predicted_n"]}

    def chat_all(self, queues, slots):
        """Each queue one after the other, all queues at once; the replies in any order.

        slots: the slot of each queue, or None where the server may choose."""
        replies, failures = [], []

        def work(queue, slot):
            try:
                for job in queue:
                    replies.append(self.chat(job, slot))
            except (OSError, ValueError, KeyError, Failed) as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=pair) for pair in zip(queues, slots)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise Failed(str(failures[0]))
        return replies
