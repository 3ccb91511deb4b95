"""Which relays are in the path of a stream, by what the options say and however they name relays: seen
in circuit-status by a controller, who also sets the options while the program runs."""

import contextlib
import time

import pytest

import privnet
import socks_client
import sut as sut_module
from test_countries import table
from works import works

COUNTRY = {"guard": "ZA", "middle": "ZB", "exit": "ZC"}     # of the first of each; all others: ZZ
FORMS = {
    "fingerprint": lambda lab, node: node.fingerprint,
    "$fingerprint": lambda lab, node: "$" + node.fingerprint,
    "$fingerprint~name": lambda lab, node: "$%s~%s" % (node.fingerprint, node.name),
    "$fingerprint=name": lambda lab, node: "$%s=%s" % (node.fingerprint, node.name),
    "lower case": lambda lab, node: node.fingerprint.lower(),
    "name": lambda lab, node: node.name,
    "address": lambda lab, node: node.address,
    "address:port": lambda lab, node: "%s:%d" % (node.address, node.or_port),
    "address:ports": lambda lab, node: "%s:1-65535" % node.address,
    "network": lambda lab, node: node.address.rsplit(".", 2)[0] + ".0.0/16",
    "mask": lambda lab, node: node.address.rsplit(".", 2)[0] + ".0.0/255.255.0.0:*",
    "country": lambda lab, node: "{%s}" % country_of(lab, node).lower(),
}
LISTS = ["EntryNodes", "MiddleNodes", "ExitNodes", "ExcludeNodes", "ExcludeExitNodes", "NodeFamily",
         "StrictNodes", "MapAddress"]


def country_of(lab, node):
    return COUNTRY[node.role] if node in firsts(lab) else "ZZ"


def firsts(lab):
    return [lab.by_role(role)[0] for role in ("guard", "middle", "exit")]


class Steered:
    """The program, its controller, and the paths of streams."""

    def __init__(self, lab, program):
        self.lab, self.program, self.users = lab, program, 0
        self.controller = program.controller()

    def say(self, **options):
        """These options, and none of the other lists. Circuits of before end."""
        self.controller.set_options([(name, options.get(name)) for name in LISTS])

    @contextlib.contextmanager
    def stream(self, host=privnet.WEB_HOST, timeout=20):
        """A stream on a circuit of its own -> the nodes of its path."""
        self.users += 1
        sock, _ = socks_client.socks5(self.program.proxy, host, self.lab.ports["echo"],
                                      auth=("user%d" % self.users, "p"), timeout=timeout)
        with sock:
            stream = [s for s in self.controller.get_streams()
                      if s.status == "SUCCEEDED" and s.target_port == self.lab.ports["echo"]][-1]
            path = self.controller.get_circuit(stream.circ_id).path
            yield [self.lab.by_name(name) for _, name in path]

    def path(self, **options):
        """Three relays; four where a circuit that stood was extended to an exit asked for by name."""
        with self.stream(**options) as path:
            assert len(path) == 3 or "host" in options and len(path) == 4
            return path

    def served(self, **options):
        try:
            self.path(**options)
            return True
        except (socks_client.SocksError, OSError):
            return False


@pytest.fixture(scope="module")
def steered_by_lists(lab, workdir, tmp_path_factory):
    import steered as steered_module
    geoip = table(tmp_path_factory.mktemp("geoip") / "geoip",
                  {node: country_of(lab, node) for node in lab.nodes})
    program = steered_module.Steered(lab, workdir + "/path-options",
                                     torrc=[geoip, "GeoIPExcludeUnknown 0"])
    program.start()
    yield Steered(lab, program)
    program.kill()


def named(lab, form, nodes):
    return ",".join(dict.fromkeys(FORMS[form](lab, node) for node in nodes))


@works("EntryNodes", "MiddleNodes", "ExitNodes")
@pytest.mark.parametrize("form", [pytest.param(form, marks=pytest.mark.skipif(
    sut_module.IS_TOR and "=" in form, reason="to tor = says Named, which nobody is any more"))
                                  for form in FORMS])
def test_relays_that_are_named_are_the_path(lab, steered_by_lists, form):
    wanted = firsts(lab)
    entry, middle, end = (named(lab, form, [node]) for node in wanted)
    steered_by_lists.say(EntryNodes=entry, MiddleNodes=middle, ExitNodes=end)
    for _ in range(2):
        assert steered_by_lists.path() == wanted


@works("ExcludeNodes")
@pytest.mark.parametrize("strict", ["0", "1"])
@pytest.mark.parametrize("form", FORMS)
def test_relays_that_are_excluded_are_in_no_path(lab, steered_by_lists, form, strict):
    left = firsts(lab)
    others = [n for n in lab.nodes if n not in left and (strict == "0" or n.role != "authority")]
    steered_by_lists.say(ExcludeNodes=named(lab, form, others), StrictNodes=strict)
    for _ in range(2):
        path = steered_by_lists.path()
        # {zz} are the authorities, too.
        assert [n for n in path if n in left or n.role == "authority"] == path
        assert path[0] == left[0] and path[2] == left[2]


@works("ExcludeExitNodes")
@pytest.mark.parametrize("form", FORMS)
def test_relays_that_are_excluded_as_exits_are_no_last_hop(lab, steered_by_lists, form):
    first, *others = lab.by_role("exit")
    steered_by_lists.say(ExcludeExitNodes=named(lab, form, others))
    assert [steered_by_lists.path()[2] for _ in range(3)] == [first] * 3


def test_who_is_in_both_lists_is_excluded(lab, steered_by_lists):
    one, two, three = lab.by_role("exit")
    for excluded in ("ExcludeNodes", "ExcludeExitNodes"):
        steered_by_lists.say(ExitNodes="%s,%s" % (one.name, two.name), **{excluded: one.name})
        assert [steered_by_lists.path()[2] for _ in range(3)] == [two] * 3
        steered_by_lists.say(ExitNodes=one.name, **{excluded: one.name})
        assert not steered_by_lists.served(timeout=4)
    steered_by_lists.say(ExitNodes=three.name)
    assert steered_by_lists.path()[2] == three


@works("NodeFamily")
@pytest.mark.parametrize("form", FORMS)
def test_a_family_is_never_in_one_path(lab, steered_by_lists, form):
    guard, _, last = firsts(lab)
    steered_by_lists.say(NodeFamily=named(lab, form, [guard, last]), ExitNodes=last.name)
    for _ in range(2):
        path = steered_by_lists.path()
        assert path[2] == last and guard not in path
    steered_by_lists.say(ExitNodes=last.name, EntryNodes=guard.name)
    path = steered_by_lists.path()
    assert path[2] == last and path[0] == guard


@works("MapAddress", "StrictNodes")
def test_who_asks_for_an_excluded_exit_by_name(lab, steered_by_lists):
    """tor(1): StrictNodes is about that; of ExcludeExitNodes it says that it always holds. (tor builds
    the circuit that StrictNodes 0 allows, and then lets no stream onto it.)"""
    one = lab.by_role("exit")[0]
    by_name = "10.9.9.9 %s.%s.exit" % (privnet.WEB_HOST, one.fingerprint)
    rows = [(dict(), True),
            (dict(ExcludeNodes=one.name, StrictNodes="0"), not sut_module.IS_TOR),
            (dict(ExcludeNodes=one.name, StrictNodes="1"), False),
            (dict(ExcludeExitNodes=one.name, StrictNodes="0"), False),
            (dict(ExitNodes=lab.by_role("exit")[1].name), True)]
    seen = []
    for lists, _ in rows:
        steered_by_lists.say(MapAddress=by_name, **lists)
        try:
            seen.append(steered_by_lists.path(host="10.9.9.9", timeout=4)[-1] == one)
        except (socks_client.SocksError, OSError):
            seen.append(False)
    assert seen == [served for _, served in rows]


@works("ReachableAddresses", "ReachableORAddresses", "FascistFirewall", "FirewallPorts")
@pytest.mark.parametrize("option", ["ReachableAddresses", "ReachableORAddresses", "FirewallPorts"])
def test_firewalls_and_first_hops(lab, make_steered, option):
    second = lab.by_role("guard")[1]
    behind = [second] + lab.by_role("authority")
    if option == "FirewallPorts":
        lines = ["FascistFirewall 1",
                 "FirewallPorts " + ",".join(str(n.or_port) for n in behind)]
    else:
        lines = ["%s %s" % (option, ",".join("accept %s:%d" % (n.address, n.or_port) for n in behind)
                            + ",reject *:*")]
    program = make_steered(*lines).start()
    steered = Steered(lab, program)
    assert [steered.path()[0] for _ in range(3)] == [second] * 3
    time.sleep(0.1)
    assert {n for n in program.connected_relays() if n.role != "authority"} == {second}
