"""A controller by stem that writes down all that it is told, and waits for what it has not been told
yet."""

import logging
import os
import threading
import time

import stem
import stem.control
import stem.util.log

stem.util.log.get_logger().setLevel(logging.CRITICAL)

KINDS = ("CIRC CIRC_MINOR STREAM ORCONN BW NOTICE WARN ERR NEWDESC ADDRMAP NS STATUS_GENERAL "
         "STATUS_CLIENT STATUS_SERVER GUARD STREAM_BW NEWCONSENSUS BUILDTIMEOUT_SET SIGNAL "
         "CONF_CHANGED CONN_BW CELL_STATS CIRC_BW NETWORK_LIVENESS").split()


def socket_lines(sut):
    """torrc's lines for SUT, a sut.Sut that is not started, to be heard at its control socket."""
    return [] if sut.as_tor else ["ControlSocket %s/control" % sut.data, "CookieAuthentication 0"]


class Ear:
    def __init__(self, sut, kinds=KINDS, timeout=10):
        path = sut.data + "/control"
        deadline = time.monotonic() + timeout
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.control = stem.control.Controller.from_socket_file(path)
        self.control.authenticate()
        self.heard = []
        self.more = threading.Condition()
        self.control.add_event_listener(self.hear, *kinds)

    def hear(self, event):
        with self.more:
            self.heard.append(event)
            self.more.notify_all()

    def close(self):
        self.control.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def mark(self):
        """What comes behind here was not told yet: a reply takes along what has waited."""
        self.control.msg("GETINFO version")
        return len(self.heard)

    def of(self, kind, since=0, **facts):
        """The events of KIND that say all of FACTS."""
        return [e for e in self.heard[since:] if e.type == kind and
                all(getattr(e, name, None) == value for name, value in facts.items())]

    def wait(self, kind, since=0, timeout=15, test=None, **facts):
        """The first such event, also if it came before."""
        deadline = time.monotonic() + timeout
        with self.more:
            while True:
                found = [e for e in self.of(kind, since, **facts) if test is None or test(e)]
                if found:
                    return found[0]
                left = deadline - time.monotonic()
                if left <= 0 or not self.more.wait(left):
                    raise AssertionError("no %s %s was told, but:\n%s" % (
                        kind, facts, "\n".join(str(e)[:300] for e in self.heard[since:][-60:])))

    def told(self, kind, since=0):
        """The lines as they came."""
        return [str(e) for e in self.heard[since:] if e.type == kind]
