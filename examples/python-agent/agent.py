#!/usr/bin/env python3
"""A Muster agent of Python's standard library alone, written from docs/PROTOCOL.md: one simulated heater.

    python3 agent.py --gateway ws://localhost:8250 --id heater-1 --home ./heater-1
    (the join token, for the first connect, in MUSTER_JOIN_TOKEN)

It maps CheckHealth, ReadTemperature (read-only) and SetTarget (changes something: journalled, in sequence).
"""

import argparse
import json
import os
import random
import secrets
import select
import signal
import socket
import sys
import time

from journal import Journal
from websocket import Closed, WebSocket

UNDECLARED_WAIT_MS = 300_000
TRAITS = {
    "ReadTemperature": {
        "inSequence": False, "idempotent": True, "readOnly": True, "needsNewResources": False,
        "evacuation": False, "check": True, "waitSeconds": 10,
    },
    "SetTarget": {
        "inSequence": True, "idempotent": False, "readOnly": False, "needsNewResources": False,
        "evacuation": False, "check": False, "waitSeconds": 60,
    },
}  # fmt: skip
READ_ONLY = {"CheckHealth", "ReadTemperature"}


class Heater:
    """The physical resource. Its target is kept in a file, one line for each time that it was set."""

    def __init__(self, path):
        self.path = path

    def execute(self, command):
        kind = command["type"]
        if kind == "CheckHealth":
            return {"type": "CheckHealthAnswer", "result": True}
        if kind == "ReadTemperature":
            return {"type": "ReadTemperatureAnswer", "result": True, "celsius": 21.5}
        if kind == "SetTarget":
            celsius = command.get("celsius")
            if not isinstance(celsius, (int, float)) or not 5 <= celsius <= 30:
                return {
                    "type": "SetTargetAnswer", "result": False, "errorCode": "BAD_TARGET",
                    "details": "Give celsius, a number from 5 to 30.",
                }  # fmt: skip
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(f"{command['id']} {celsius}\n")
            return {"type": "SetTargetAnswer", "result": True, "celsius": celsius}
        return {
            "type": "UnsupportedAnswer", "result": False, "errorCode": "UNSUPPORTED_COMMAND",
            "details": f"No resource of this agent maps the Command type {kind}.",
        }  # fmt: skip


def error_answer(command, outcome, code, details):
    return {
        "type": "ErrorAnswer", "commandId": command["id"], "result": False,
        "outcome": outcome, "errorCode": code, "details": details,
    }  # fmt: skip


class Agent:
    def __init__(self, options, wake):
        os.makedirs(options.home, mode=0o700, exist_ok=True)
        self.options = options
        self.secret = load_or_make_secret(os.path.join(options.home, "secret"))
        self.journal = Journal(os.path.join(options.home, "journal.jsonl"))
        self.heater = Heater(os.path.join(options.home, "targets.txt"))
        self.gateways = list(options.gateway)
        self.held = []
        self.wake = wake
        self.stopping = False
        self.retry_after = 0.0

    # -- sessions ----------------------------------------------------------------------------------------------

    def run(self):
        failures, at, superseded = 0, 0, 0
        while not self.stopping:
            url = self.gateways[at % len(self.gateways)]
            opened, rest, code = None, 0.0, 1006
            try:
                self.socket = WebSocket(url, "muster.v1", self.options.ca)
                self.retry_after = 0.0
                self.handshake()
                opened = time.monotonic()
                self.serve()
            except Closed as closed:
                code = closed.code
                print(f"session with {url} ended: {closed}", file=sys.stderr)
            except OSError as error:
                print(f"{url} can't be reached: {error}", file=sys.stderr)
            if self.stopping:
                return
            if code == 4409:
                print(f"ANOTHER AGENT HAS THE ID {self.options.id}. Give one of them another.", file=sys.stderr)
                rest = min(300, 30 * 2**superseded) * random.uniform(0.5, 1)
                superseded += 1
            elif opened is not None and time.monotonic() - opened >= 10:
                failures, superseded = 0, 0
                rest = random.uniform(0, 1)
            else:
                at += 1
                if at % len(self.gateways) == 0:
                    rest = random.uniform(0, min(30, 2**failures))
                    failures = min(failures + 1, 10)
            # A refusal is the word of the whole manager: the other gateways would say the same.
            wait_told = code in (4401, 4403) or len(self.gateways) == 1
            self.pause(max(rest, self.retry_after if wait_told else 0))

    def pause(self, seconds):
        select.select([self.wake], [], [], seconds)

    def handshake(self):
        self.session_seq = 1
        self.pings_unanswered = 0
        credentials = {"secret": self.secret}
        if os.environ.get("MUSTER_JOIN_TOKEN"):
            credentials["joinToken"] = os.environ["MUSTER_JOIN_TOKEN"]
        startup = {
            "type": "Startup", "id": "startup-1", "name": "heater", "resourceType": "heater",
            "zone": self.options.zone, "cluster": self.options.cluster, "version": "1.0", "commandTypes": TRAITS,
        }  # fmt: skip
        self.send(
            kind="request", seq=1, lane="session", commands=[startup],
            hello={"agentId": self.options.id, "credentials": credentials, "software": "python-agent/1.0"},
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not self.stopping:
            frame = self.receive(deadline - time.monotonic())
            if frame is None:
                continue
            if frame["kind"] == "error":
                self.retry_after = frame.get("retryAfterMs", 0) / 1000
            elif frame["kind"] == "response":
                self.on_startup_answer(frame["answers"][0])
            elif frame["kind"] == "request" and frame["commands"][0]["type"] == "Ready":
                ready = frame["commands"][0]
                self.respond(frame, [{"type": "ReadyAnswer", "commandId": ready["id"], "result": True}])
                print(f"ready: session {ready['epoch']}", flush=True)
                return
        self.socket.close(4408, "the handshake took too long")
        raise Closed(4408, "the handshake took too long")

    def on_startup_answer(self, answer):
        if not answer["result"]:
            self.retry_after = answer.get("retryAfterMs", 0) / 1000
            print(f"refused: {answer.get('details')}", file=sys.stderr)
            return  # the gateway closes
        self.interval = answer.get("pingIntervalMs", 60_000) / 1000
        self.learn(answer)

    def learn(self, answer):
        secure = all(url.startswith("wss:") for url in self.options.gateway)
        named = [url for url in answer.get("gateways", []) if url.startswith("wss:") or not secure]
        if named:
            self.gateways = list(dict.fromkeys(named + self.options.gateway))

    def serve(self):
        for seq, answers in self.journal.outbox():
            self.send(kind="response", seq=seq, lane="durable", answers=answers)
        next_ping = time.monotonic() + random.uniform(0, self.interval)
        while True:
            if self.stopping:
                self.goodbye()
                return
            self.release_held()
            wait = next_ping - time.monotonic()
            if wait <= 0:
                if self.pings_unanswered >= 3:
                    self.socket.close(4410, "pings without an answer")
                    raise Closed(4410, "pings without an answer")
                self.ask({"type": "Ping", "id": f"ping-{self.session_seq}", "resources": [{"name": "heater", "healthy": True}]})
                self.pings_unanswered += 1
                next_ping = time.monotonic() + self.interval
                continue
            if self.held:
                wait = min(wait, 0.05)
            frame = self.receive(wait)
            if frame is not None:
                self.on_frame(frame)

    def goodbye(self):
        self.ask({"type": "Shutdown", "id": "shutdown", "reason": "stop"})
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            frame = self.socket.receive(deadline - time.monotonic())
            if frame is None or '"ShutdownAnswer"' in frame:
                break
        self.socket.close(1000, "goodbye")

    # -- frames ------------------------------------------------------------------------------------------------

    def send(self, **frame):
        self.socket.send(json.dumps({"v": 1, **frame}))

    def ask(self, command):
        self.session_seq += 1
        self.send(kind="request", seq=self.session_seq, lane="session", commands=[command])

    def respond(self, request, answers):
        self.send(kind="response", seq=request["seq"], lane=request["lane"], answers=answers)

    def receive(self, seconds):
        text = self.socket.receive(max(0, seconds), self.wake)
        return None if text is None else json.loads(text)

    def on_frame(self, frame):
        kind = frame["kind"]
        if kind == "request" and frame["lane"] == "durable":
            self.on_durable(frame)
        elif kind == "request" and frame["lane"] == "direct":
            self.respond(frame, [self.direct(command) for command in frame["commands"]])
        elif kind == "request":
            self.on_session(frame)
        elif kind == "response":
            answer = frame["answers"][0]
            if answer["type"] == "PingAnswer":
                self.pings_unanswered = 0
                self.interval = answer.get("pingIntervalMs", self.interval * 1000) / 1000
                self.learn(answer)
        elif kind == "ack":
            ids = frame["commandIds"]
            if ids and ids[0] in self.journal.requests:
                self.journal.note({"acked": ids, "seq": frame["seq"]})
        elif kind == "error":
            self.retry_after = frame.get("retryAfterMs", 0) / 1000
            print(f"gateway says {frame['code']}: {frame['message']}", file=sys.stderr)

    def on_session(self, frame):
        command = frame["commands"][0]
        answer = {"type": command["type"] + "Answer", "commandId": command["id"], "result": True}
        if command["type"] == "Cancel":
            found = [held for held in self.held if held["request"]["seq"] == command["seq"]]
            for held in found:
                self.held.remove(held)
                self.run_request(held, over=("CANCELLED", "It was cancelled before it started."))
            if not found:
                answer.update(result=False, errorCode="NOT_OPEN")
        elif command["type"] != "Reconnect":
            answer = {**self.heater.execute({"type": command["type"], "id": ""}), "commandId": command["id"]}
        self.respond(frame, [answer])
        if command["type"] == "Reconnect":
            self.socket.close(4412, "the manager asked for it")
            raise Closed(4412, "the manager asked for it")

    # -- Commands ----------------------------------------------------------------------------------------------

    def direct(self, command):
        if command["type"] in TRAITS and command["type"] not in READ_ONLY:
            return error_answer(command, "notSent", "NOT_READ_ONLY", "It changes something: use the durable lane.")
        return {**self.execute(command), "commandId": command["id"]}

    def on_durable(self, request):
        first = request["commands"][0]["id"]
        if first in self.journal.acked:
            return
        now = time.monotonic()
        held = next((one for one in self.held if one["request"]["commands"][0]["id"] == first), None)
        if held is None:
            held = {"request": request, "over": now + request.get("waitMs", UNDECLARED_WAIT_MS) / 1000, "watcher": None}
            self.held.append(held)
        # One that comes again waits for what it names now.
        before = [request["after"]] if "after" in request else []
        before += request.get("alsoAfter", [])
        held["before"] = [(one["seq"], now + one["withinMs"] / 1000) for one in before if request.get("inSequence")]
        if request.get("progress"):
            held["watcher"] = self.socket
        self.release_held()

    def release_held(self):
        """Runs what may run: in-sequence Requests by seq and behind those that they name."""
        progress = True
        while progress:
            progress = False
            now = time.monotonic()
            for held in sorted(self.held, key=lambda one: one["request"]["seq"]):
                waits = any(now < until and not self.journal.finished(seq) for seq, until in held["before"])
                is_late = now >= held["over"]
                if waits and not is_late:
                    continue
                self.held.remove(held)
                self.run_request(held, ("WAIT_OVER", "The caller's wait was over before it started.") if is_late else None)
                progress = True
                break

    def run_request(self, held, over=None):
        request = held["request"]
        ids = [command["id"] for command in request["commands"]]
        if ids[0] not in self.journal.requests:
            self.journal.note({"request": ids, "seq": request["seq"]})
        failed = False
        answers = []
        for index, command in enumerate(request["commands"]):
            answer = self.journal.answers.get(command["id"])
            if answer is None:
                answer = self.answer_of(command, failed, over)
                self.journal.note({"answer": answer})
            failed = failed or (not answer["result"] and request.get("onError") != "continue")
            answers.append(answer)
            # Only to the session that asked for it; the last Answer comes with the Response.
            if held["watcher"] is self.socket and index + 1 < len(request["commands"]):
                self.send(kind="progress", seq=request["seq"], lane="durable", index=index, answer=answer)
        self.respond(request, answers)

    def answer_of(self, command, failed, over):
        crashed = command["id"] in self.journal.started and command["type"] not in READ_ONLY
        if crashed:
            return error_answer(command, "unknown", "AGENT_CRASHED", "The agent crashed while it ran.")
        if failed:
            answer = error_answer(command, "notSent", "STOPPED_BY_PREVIOUS_FAILURE", "A Command before it failed.")
            return {**answer, "type": "StoppedByPreviousFailureAnswer"}
        if over is not None:
            return error_answer(command, "notSent", *over)
        if command["type"] not in READ_ONLY:
            self.journal.note({"started": command["id"]})
        return {**self.execute(command), "commandId": command["id"]}

    def execute(self, command):
        if command.get("resource") not in (None, "heater"):
            return error_answer(command, "notSent", "NO_SUCH_RESOURCE", "This agent has only the resource heater.")
        try:
            return self.heater.execute(command)
        except Exception as error:  # whatever breaks in the resource, the Command gets its Answer
            outcome = "done" if command["type"] in READ_ONLY else "unknown"
            return error_answer(command, outcome, "RESOURCE_ERROR", str(error))


def load_or_make_secret(path):
    """Made once, on disk before the first connect."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(32)
        fresh = path + ".new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        return secret


def main():
    parser = argparse.ArgumentParser(description="A Muster agent in Python: one simulated heater.")
    parser.add_argument("--gateway", action="append", required=True, help="ws:// or wss:// URL, repeatable")
    parser.add_argument("--id", required=True)
    parser.add_argument("--home", required=True, help="where secret and journal are kept")
    parser.add_argument("--zone", default="default")
    parser.add_argument("--cluster", default="heaters")
    parser.add_argument("--ca", help="PEM file of a certificate authority to trust")
    wake, alarm = socket.socketpair()
    alarm.setblocking(False)
    agent = Agent(parser.parse_args(), wake)

    def stop(*_):
        agent.stopping = True
        alarm.send(b"x")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    agent.run()


if __name__ == "__main__":
    main()
