"""A controller's end of a control port, in bytes: what tests of the port itself need, where stem
would be too polite."""

import socket


class Controller:
    def __init__(self, where, timeout=10):
        """WHERE: (host, port), or the path of a unix socket."""
        self.sock = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
        self.sock.settimeout(timeout)
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
