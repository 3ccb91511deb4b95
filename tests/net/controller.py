"""A controller's end of a control port, in bytes: what tests of the port itself need, where stem
would be too polite."""

import hashlib
import hmac
import re
import socket


class Controller:
    def __init__(self, where, timeout=10):
        """WHERE: (host, port), the path of a unix socket, or a socket that is connected."""
        if isinstance(where, socket.socket):
            self.sock = where
        else:
            self.sock = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
        self.sock.settimeout(timeout)
        if self.sock is not where:
            self.sock.connect(where)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        """The next line without its end; None: it was closed."""
        while b"\r\n" not in self.rest:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.rest += more
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line.decode("utf-8", "replace")

    def reply(self):
        """The lines of one reply or event, data included; None: it was closed."""
        lines, in_data = [], False
        while True:
            line = self.line()
            if line is None:
                return lines or None
            lines.append(line)
            if in_data:
                in_data = line != "."
            elif line[3:4] == "+":
                in_data = True
            elif line[3:4] == " ":
                return lines

    def ask(self, command):
        self.send(command + "\r\n")
        return self.reply()

    def is_closed(self):
        """Whether nothing more comes, and the end does."""
        return self.line() is None


COOKIE_HASHES = {
    "server": b"Tor safe cookie authentication server-to-controller hash",
    "client": b"Tor safe cookie authentication controller-to-server hash",
}


def cookie_hash(whose, cookie, client_nonce, server_nonce):
    return hmac.new(COOKIE_HASHES[whose], cookie + client_nonce + server_nonce,
                    hashlib.sha256).digest()


def safecookie(controller, cookie, nonce=b"n" * 32):
    """The second half of SAFECOOKIE, in hex; the first has been looked at."""
    line = controller.ask("AUTHCHALLENGE SAFECOOKIE " + nonce.hex())[0]
    match = re.match(r"250 AUTHCHALLENGE SERVERHASH=([0-9A-F]{64}) SERVERNONCE=([0-9A-F]{64})$",
                     line)
    assert match, line
    theirs, server_nonce = (bytes.fromhex(part) for part in match.groups())
    assert theirs == cookie_hash("server", cookie, nonce, server_nonce)
    return cookie_hash("client", cookie, nonce, server_nonce).hex()
