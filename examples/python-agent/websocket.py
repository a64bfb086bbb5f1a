"""A WebSocket client (RFC 6455), text messages only: as much as the protocol needs, of the standard library alone."""

import base64
import hashlib
import os
import select
import socket
import ssl
import struct
from urllib.parse import urlsplit

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
MESSAGE_BYTES_MAX = 1024 * 1024


class Closed(Exception):
    """The connection is over; `code` is the close code of the other side (1006: none)."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}".strip())
        self.code = code
        self.reason = reason


class WebSocket:
    def __init__(self, url, subprotocol, ca_file=None, timeout=10):
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        port = parts.port or (443 if secure else 80)
        path = parts.path if parts.path not in ("", "/") else "/agent"
        self.sock = socket.create_connection((parts.hostname, port), timeout=timeout)
        if secure:
            context = ssl.create_default_context(cafile=ca_file)
            self.sock = context.wrap_socket(self.sock, server_hostname=parts.hostname)
        self.buffer = b""
        self._upgrade(f"{parts.hostname}:{port}", path, subprotocol)

    def _upgrade(self, host, path, subprotocol):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {subprotocol}",
        ]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *rest = head.decode("latin-1").split("\r\n")
        if " 101 " not in status + " ":
            raise Closed(1006, status)
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in rest)}
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        if headers.get("sec-websocket-accept") != accept:
            raise Closed(1006, "the other side is no WebSocket server")
        if headers.get("sec-websocket-protocol") != subprotocol:
            raise Closed(1006, f"the other side does not speak {subprotocol}")

    def send(self, text):
        self._send(TEXT, text.encode())

    def close(self, code, reason=""):
        try:
            self._send(CLOSE, struct.pack("!H", code) + reason.encode()[:120])
        except OSError:
            pass
        self.sock.close()

    def receive(self, timeout, wake=None):
        """The next text message; None after `timeout` seconds, or when the socket `wake` has something to read."""
        message = b""
        while True:
            frame = self._next_frame()
            if frame is None:
                pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
                watched = [self.sock] if wake is None else [self.sock, wake]
                ready = [self.sock] if pending else select.select(watched, [], [], timeout)[0]
                if self.sock not in ready:
                    return None
                self._fill()
                continue
            final, opcode, payload = frame
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                self.close(code)
                raise Closed(code, payload[2:].decode("utf-8", "replace"))
            elif opcode != PONG:
                message += payload
                if len(message) > MESSAGE_BYTES_MAX:
                    self.close(1009)
                    raise Closed(1009, "the message was too large")
                if final:
                    return message.decode("utf-8")

    def _fill(self):
        chunk = self.sock.recv(65536)
        if not chunk:
            raise Closed(1006, "the connection was lost")
        self.buffer += chunk

    def _next_frame(self):
        """One frame out of the buffer, or None when it is not complete."""
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[0], self.buffer[1]
        length, at = second & 127, 2
        if length == 126:
            if len(self.buffer) < 4:
                return None
            length, at = struct.unpack("!H", self.buffer[2:4])[0], 4
        elif length == 127:
            if len(self.buffer) < 10:
                return None
            length, at = struct.unpack("!Q", self.buffer[2:10])[0], 10
        if length > MESSAGE_BYTES_MAX:
            self.close(1009)
            raise Closed(1009, "the message was too large")
        if len(self.buffer) < at + length:
            return None
        payload, self.buffer = self.buffer[at : at + length], self.buffer[at + length :]
        return bool(first & 128), first & 15, payload

    def _send(self, opcode, payload):
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 128 | opcode, 128 | length)
        elif length < 65536:
            head = struct.pack("!BBH", 128 | opcode, 128 | 126, length)
        else:
            head = struct.pack("!BBQ", 128 | opcode, 128 | 127, length)
        mask = os.urandom(4)
        long_mask = (mask * (length // 4 + 1))[:length]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(long_mask, "big")).to_bytes(length, "big")
        self.sock.sendall(head + mask + masked)
