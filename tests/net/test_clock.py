"""Time that did not pass as it does: the machine slept, or its clock was set. A preloaded library
adds to what the program is told of the time, once a file is there."""

import os
import subprocess

import pytest

import privnet
import socks_client
from test_isolation import circuits_of

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void)
{
    const char *file = getenv("CLOCK_AHEAD_IF");
    return file && access(file, F_OK) == 0 ? atol(getenv("CLOCK_AHEAD")) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = next(clock, t);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
        (clock == CLOCK_BOOTTIME && getenv("CLOCK_SLEPT")))
        t->tv_sec += ahead();
    return r;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
"""


@pytest.fixture(scope="session")
def shim(workdir):
    path = os.path.join(workdir, "clock.so")
    privnet.write_text(path + ".c", SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, path + ".c", "-ldl"], check=True)
    return path


# Streams of the program before, which was killed, may stay a while at the exits of Debian's tor.


def with_clock(make_sut, shim, seconds, slept, torrc=()):
    """A program whose clocks are so many seconds ahead once the file is there."""
    file = shim + "-%d-%d" % (seconds, slept)
    if os.path.exists(file):
        os.unlink(file)
    words = ["env", "LD_PRELOAD=" + shim, "CLOCK_AHEAD_IF=" + file, "CLOCK_AHEAD=%d" % seconds]
    # A sanitizer wants to be the first library.
    words += ["ASAN_OPTIONS=%s:verify_asan_link_order=0" % os.environ.get("ASAN_OPTIONS", "")]
    return make_sut(torrc=torrc, wrapper=words + (["CLOCK_SLEPT=1"] if slept else [])).start(), file


def clock_ahead(shim, seconds):
    """Words before a program whose clock has always been so many seconds ahead."""
    return ["env", "LD_PRELOAD=" + shim, "CLOCK_AHEAD_IF=/", "CLOCK_AHEAD=%d" % seconds,
            "ASAN_OPTIONS=%s:verify_asan_link_order=0" % os.environ.get("ASAN_OPTIONS", "")]


def echo_stream(lab, client, port):
    sock, _ = socks_client.socks5(client.proxy, privnet.WEB_HOST, lab.ports[port])
    sock.sendall(b"x")
    socks_client.read_exactly(sock, 1)
    return sock


@pytest.mark.parametrize("seconds, slept", [(3600, True), (3600, False), (-130, False)],
                         ids=["slept", "set-forward", "set-backward"])
def test_after_a_jump_of_the_clock_circuits_are_new(lab, make_sut, shim, seconds, slept):
    mine, file = with_clock(make_sut, shim, seconds, slept)
    before = echo_stream(lab, mine, "echo")
    (old,) = circuits_of(lab, ["echo"])
    mark = mine.log_mark()
    privnet.write_text(file, "")
    mine.wait_for("assuming established circuits no longer work", since=mark)
    after = echo_stream(lab, mine, "echo2")
    (still, fresh) = circuits_of(lab, ["echo", "echo2"])
    assert fresh != old, "a stream of the morning rides a circuit of the evening"
    # What is open goes on: that is for the two ends to give up.
    assert still == old
    before.sendall(b"y")
    assert socks_client.read_exactly(before, 1) == b"y"
    before.close()
    after.close()


def test_a_clock_that_is_put_right_by_a_minute_changes_nothing(lab, make_sut, shim):
    mine, file = with_clock(make_sut, shim, 60, False)
    before = echo_stream(lab, mine, "echo")
    mark = mine.log_mark()
    privnet.write_text(file, "")
    after = echo_stream(lab, mine, "echo2")
    old, fresh = circuits_of(lab, ["echo", "echo2"])
    assert fresh == old
    assert "established circuits" not in mine.log()[mark:]
    before.close()
    after.close()
