"""Arti as a client on a private network, with what the benchmarks ask of sut.Sut."""

import os
import re
import subprocess

import privnet
import sut

CONFIG = """\
[application]
allow_running_as_root = true
permit_debugging = true
[logging]
console = "info"
[proxy]
socks_listen = "127.0.0.1:{port}"
[storage]
cache_dir = "{directory}/cache"
state_dir = "{directory}/state"
[storage.permissions]
dangerously_trust_everyone = true
[address_filter]
allow_local_addrs = true
[tor_network]
fallback_caches = [
{fallbacks}
]
[tor_network.authorities]
v3idents = [{idents}]
uploads = [{addresses}]
downloads = [{addresses}]
votes = [{addresses}]
"""


def config(lab, directory, port):
    authorities = lab.authorities()
    fallbacks = ['    {{ rsa_identity = "{0.fingerprint}", ed_identity = "{0.ed25519}", '
                 'orports = ["{0.address}:{0.or_port}"] }},'.format(a) for a in authorities]
    return CONFIG.format(
        port=port, directory=directory, fallbacks="\n".join(fallbacks),
        idents=", ".join('"%s"' % a.v3ident for a in authorities),
        addresses=", ".join('["%s:%d"]' % (a.address, a.dir_port) for a in authorities))


class Arti(sut.Sut):
    """One process with its own folder."""

    def __init__(self, lab, directory, program):
        super().__init__(lab, directory)
        self.program = program
        self.config_path = os.path.join(self.dir, "arti.toml")
        privnet.write_text(self.config_path, config(lab, self.dir, self.socks_port))

    def command(self):
        return [self.program, "-c", self.config_path, "proxy"]

    def wait_for(self, pattern, timeout=20, since=0):
        ready = r"Sufficiently bootstrapped|proxy now functional"
        wanted = ready if pattern == "Bootstrapped 100%" else pattern
        return super().wait_for(wanted, timeout, since)


def version(program):
    said = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=False)
    match = re.search(r"(?i)arti (\d[\w.-]*)", said.stdout)
    return "Arti " + (match.group(1) if match else "?")
