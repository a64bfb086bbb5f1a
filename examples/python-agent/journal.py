"""The agent's memory on disk: what was started, what was answered, what the manager has safe (docs/PROTOCOL.md, section 5)."""

import json
import os

REMEMBERED_MAX = 1000


class Journal:
    """Lines of JSON: {"started": id}, {"answer": {...}}, {"request": [ids], "seq": n}, {"acked": [ids], "seq": n}."""

    def __init__(self, path):
        self.path = path
        self.started = set()
        self.answers = {}
        self.requests = {}
        self.acked = {}
        self._load()
        self.file = open(path, "a", encoding="utf-8")
        os.chmod(path, 0o600)

    def _load(self):
        if not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            content = file.read()
        whole = content.rfind(b"\n") + 1
        for line in content[:whole].splitlines():
            self._apply(json.loads(line))
        # A last line that a crash cut off goes; then the file is written anew with what still matters.
        fresh = self.path + ".new"
        with open(fresh, "w", encoding="utf-8") as file:
            for line in self._live():
                file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)

    def _live(self):
        for first, (seq, ids) in self.requests.items():
            yield {"request": ids, "seq": seq}
        for command_id in self.started:
            yield {"started": command_id}
        for answer in self.answers.values():
            yield {"answer": answer}
        for first, (seq, ids) in self.acked.items():
            yield {"acked": ids, "seq": seq}

    def _apply(self, line):
        if "request" in line:
            self.requests[line["request"][0]] = (line["seq"], line["request"])
        elif "started" in line:
            self.started.add(line["started"])
        elif "answer" in line:
            self.answers[line["answer"]["commandId"]] = line["answer"]
        elif "acked" in line:
            ids = line["acked"]
            self.requests.pop(ids[0], None)
            for command_id in ids:
                self.started.discard(command_id)
                self.answers.pop(command_id, None)
            self.acked[ids[0]] = (line["seq"], ids)
            while len(self.acked) > REMEMBERED_MAX:
                del self.acked[next(iter(self.acked))]

    def note(self, line):
        """Returns when the line is on disk."""
        self._apply(line)
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def outbox(self):
        """Responses that the manager has not acknowledged, in the order of seq."""
        for seq, ids in sorted(self.requests.values()):
            if all(command_id in self.answers for command_id in ids):
                yield seq, [self.answers[command_id] for command_id in ids]

    def finished(self, seq):
        """Whether the Request counts as finished for `after`."""
        return any(seq == s for s, _ in self.acked.values()) or any(seq == s for s, _ in self.outbox())
