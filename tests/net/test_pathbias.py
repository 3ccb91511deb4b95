"""Path bias: what a client has counted of its guards, read from the state file, and what it says and
does about it (path-spec 7). tor says the same."""

import contextlib
import re

import pytest

import privnet
import socks_client
from ear import Ear, socket_lines
from test_files import known
from works import works


def counted(client, which=0, **counts):
    """The guards of its state file, or only the first (WHICH 1), have these counts."""
    state = client.data + "/state"
    fields = "".join(" pb_%s=%f" % item for item in counts.items())
    text = re.sub(r" pb_\w+=\S+", "", privnet.read_text(state))
    privnet.write_text(state, re.sub(r"(?m)^(Guard .*)$", lambda m: m.group(1) + fields, text,
                                     count=which))


def counts_of(client, field):
    return [float(x) for x in
            re.findall(r"(?m)^Guard .* pb_%s=(\S+)" % field, privnet.read_text(client.data + "/state"))]


def use(client, lab):
    sock, _ = socks_client.socks5(client.proxy, "web.test", lab.ports["echo"])
    sock.close()


CIRCUITS = [
    ("PathBiasCircThreshold 5", dict(circ_attempts=10), "an extremely large amount of circuits"),
    ("PathBiasExtremeRate 0.9", dict(circ_attempts=200, successful_circuits_closed=170),
     "an extremely large amount of circuits"),
    ("PathBiasWarnRate 0.9", dict(circ_attempts=200, successful_circuits_closed=170),
     "a very large amount of circuits"),
    ("PathBiasNoticeRate 0.9", dict(circ_attempts=200, successful_circuits_closed=170),
     "more circuits than usual"),
]
USES = [
    ("PathBiasUseThreshold 3", dict(use_attempts=10),
     "to carry an extremely large amount of streams"),
    ("PathBiasExtremeUseRate 0.95", dict(use_attempts=50, use_successes=45),
     "to carry an extremely large amount of streams"),
    ("PathBiasNoticeUseRate 0.95", dict(use_attempts=50, use_successes=45),
     "to carry more streams"),
]


@works("PathBiasCircThreshold", "PathBiasExtremeRate", "PathBiasWarnRate", "PathBiasNoticeRate")
@pytest.mark.parametrize("line, counts, says", CIRCUITS, ids=lambda x: "")
def test_circuits_that_fail_are_told(make_sut, line, counts, says):
    mine = known(make_sut, torrc=[line])
    counted(mine, **counts)
    mine.start()
    mine.wait_for(r"Guard \S+ \(\$\w{40}\) is failing " + says, since=mine.started_at)
    assert mine.stop() == 0


@works("PathBiasUseThreshold", "PathBiasExtremeUseRate", "PathBiasNoticeUseRate")
@pytest.mark.parametrize("line, counts, says", USES, ids=lambda x: "")
def test_circuits_that_do_not_serve_are_told(lab, make_sut, line, counts, says):
    mine = known(make_sut, torrc=[line])
    counted(mine, **counts)
    mine.start()
    use(mine, lab)
    mine.wait_for(r"Guard \S+ \(\$\w{40}\) is failing " + says, since=mine.started_at)
    assert mine.stop() == 0


@works("PathBiasScaleThreshold", "PathBiasScaleUseThreshold")
def test_old_counts_weigh_less(lab, make_sut):
    mine = known(make_sut, torrc=["PathBiasScaleThreshold 100", "PathBiasScaleUseThreshold 50"])
    counted(mine, circ_attempts=101, circ_successes=101, successful_circuits_closed=101,
            use_attempts=51, use_successes=51)
    mine.start()
    use(mine, lab)
    assert mine.stop() == 0
    circuits, uses = min(counts_of(mine, "circ_attempts")), min(counts_of(mine, "use_attempts"))
    assert 50 <= circuits < 80 and 25 <= uses < 40, (circuits, uses)


@works("PathBiasDropGuards")
@pytest.mark.parametrize("drops", [0, 1])
def test_guards_that_fail_are_ruled_out_if_asked(make_sut, drops):
    mine = known(make_sut, torrc=["PathBiasDropGuards %d" % drops])
    counted(mine, 1, circ_attempts=200, successful_circuits_closed=10)
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    mine.start()
    with Ear(mine, ["GUARD"]) as ear:
        words = [line.split()[1] for line in ear.control.get_info("entry-guards").splitlines()]
    assert (words[0] == "unusable") == bool(drops) and "up" in words, words
    assert mine.stop() == 0


@works("VanguardsLiteEnabled")
@pytest.mark.parametrize("enabled", [0, 1])
def test_second_hops_for_onion_services_stay_the_same(lab, make_sut, enabled):
    """Of a dozen circuits built ahead for them, as one after the other is closed."""
    mine = make_sut(torrc=["VanguardsLiteEnabled %d" % enabled, "LearnCircuitBuildTimeout 0"])
    mine.lines += socket_lines(mine)
    mine.write_torrc()
    mine.start(wait=False)
    seconds, n = set(), 0
    with Ear(mine, ["CIRC"]) as ear:
        # Without a layer a dozen may be the same four by chance, but not for ever.
        while n < 12 or (not enabled and len(seconds) <= 4 and n < 60):
            mark = ear.mark()
            built = ear.wait("CIRC", mark, timeout=30, status="BUILT", purpose="HS_VANGUARDS")
            seconds.add(built.path[1][0])
            n += 1
            with contextlib.suppress(Exception):
                ear.control.close_circuit(built.id)
    assert (len(seconds) <= 4) == bool(enabled), seconds
    assert mine.stop() == 0
