"""Runs tunic ctl, and terminals for it."""

import os
import re
import subprocess
import time

import privnet
import sut as sut_module

TUNIC = sut_module.program(as_tor=False)
VARIABLES = ("TOR_CONTROL_PORT", "TOR_CONTROL_HOST", "TOR_CONTROL_IPC_PATH", "TOR_CONTROL_PASSWD")


def environment(home="/nonexistent", **more):
    clean = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    return dict(clean, HOME=str(home), **more)


def run(*words, stdin=None, timeout=30, **more):
    """tunic ctl -> CompletedProcess with text."""
    return subprocess.run([TUNIC, "ctl", *words], input=stdin if stdin is not None else "",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, check=False, env=environment(**more))


PROMPT = r"^bash-[\d.]+[#$] *$"


class Terminal:
    """A terminal of tmux's with a shell in it."""

    def __init__(self, folder, columns, rows):
        self.tmux = [privnet.find_program("tmux"), "-S", os.path.join(str(folder), "tmux"), "-u"]
        self.columns = columns
        subprocess.run(self.tmux + ["-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y",
                                    str(rows), "-c", str(folder), "bash --norc --noprofile -i"],
                       check=True, env=environment(LC_ALL="C.UTF-8"))

    def type(self, *keys):
        subprocess.run(self.tmux + ["send-keys", *keys], check=True)

    def screen(self):
        text = subprocess.run(self.tmux + ["capture-pane", "-p"], check=True,
                              stdout=subprocess.PIPE).stdout.decode()
        assert all(len(line) <= self.columns for line in text.splitlines())
        return text

    def shows(self, pattern, seconds=15):
        deadline = time.monotonic() + seconds
        while True:
            text = self.screen()
            match = re.search(pattern, text, re.M)
            if match:
                return match
            assert time.monotonic() < deadline, "no %r on:\n%s" % (pattern, text)
            time.sleep(0.05)

    def clear(self):
        """Nothing of before is left to be found."""
        self.type("clear", "Enter")
        self.shows(r"\A" + PROMPT[1:-1] + r"\s*\Z")

    def resize(self, columns, rows):
        self.columns = columns
        subprocess.run(self.tmux + ["resize-window", "-x", str(columns), "-y", str(rows)], check=True)

    def end(self):
        subprocess.run(self.tmux + ["kill-server"], check=False, stderr=subprocess.DEVNULL)


def top_words(port, *more):
    return " ".join((TUNIC, "ctl", "top", "--control", str(port)) + more)
