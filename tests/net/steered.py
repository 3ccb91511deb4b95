"""The program under test as controllers see it: with a control port and a cookie."""

import os
import queue
import subprocess
import sys
import threading
import time

import stem.control

import privnet
import sut


class Steered(sut.Sut):
    """A program with a control port, its cookie in the DataDirectory."""

    def __init__(self, lab, directory, torrc=(), **options):
        self.control_port = sut.free_port()
        super().__init__(lab, directory, torrc=[
            "ControlPort %d" % self.control_port, "CookieAuthentication 1"] + list(torrc),
            **options)

    def controller(self):
        """A stem Controller, authenticated; close it, or use it in a "with"."""
        controller = stem.control.Controller.from_port(port=self.control_port)
        controller.authenticate()
        return controller

    def prompt(self, *arguments, text=None):
        """stem's tor-prompt with ARGUMENTS, TEXT on its standard input -> CompletedProcess."""
        return subprocess.run(
            [sys.executable, "/usr/bin/tor-prompt", "--no-color", "--interface",
             "127.0.0.1:%d" % self.control_port] + list(arguments), input=text,
            capture_output=True, text=True, timeout=30, check=False)


def launcher(lab, folder):
    """A program called tor in FOLDER, for what starts its own: the one under test, which knows our
    network besides."""
    os.makedirs(folder, exist_ok=True)
    lines = lab.client_torrc_lines() + ["ConfluxEnabled 0"]
    network, path = os.path.join(folder, "network"), os.path.join(folder, "tor")
    privnet.write_text(network, "\n".join(lines) + "\n")
    privnet.write_text(path, '#!/bin/sh\nexec "%s" --defaults-torrc "%s" "$@"\n' % (
        sut.program(), network))
    os.chmod(path, 0o755)
    return path


class Twist:
    """Twisted's event loop in a thread of its own: run(f) is what f's Deferred, or the coroutine,
    comes to."""

    def __init__(self):
        from twisted.internet import process, reactor, task
        self.reactor = reactor
        # Processes that end are noticed by a signal, which only a main thread gets.
        reactor.callWhenRunning(task.LoopingCall(process.reapAllProcesses).start, 0.1)
        threading.Thread(target=reactor.run, kwargs={"installSignalHandlers": False},
                         daemon=True).start()

    def run(self, function, *arguments, timeout=20):
        from twisted.internet import defer
        from twisted.python.failure import Failure
        results = queue.Queue()

        def called():
            result = function(*arguments)
            return defer.ensureDeferred(result) if hasattr(result, "send") else result
        self.reactor.callFromThread(
            lambda: defer.maybeDeferred(called).addBoth(results.put))
        try:
            result = results.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError("%s: nothing in %d s" % (function, timeout)) from None
        if isinstance(result, Failure):
            result.raiseException()
        return result


def wait_until(condition, what, timeout=10):
    """Waits until CONDITION() is true -> what it was."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, "not in %.0f s: %s" % (timeout, what)
        time.sleep(0.03)
