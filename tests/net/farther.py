"""A relay that is farther away than the others, for the program under test: what goes to it and what
comes from it arrives some time later. Needs network namespaces (tests/net/run).

The relay's address is given to the test's side of the cable, where a process answers that takes its
time; behind it another one, on the relays' side, connects to the relay."""

import asyncio
import os
import subprocess
import sys
import time

import privnet


class Farther:
    """A context: while it lasts, NODE is SECONDS away, each way."""

    def __init__(self, lab, node, seconds):
        self.node, self.seconds = node, seconds
        self.path = os.path.join(lab.dir, "far-" + node.name)
        self.processes = []

    def start(self, argv, wrap=lambda argv: argv):
        process = subprocess.Popen(
            privnet.bound_to_parent(wrap([sys.executable, os.path.abspath(__file__)] + argv)),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        assert process.stdout.readline() == b"ready\n"

    def address(self, what):
        subprocess.run(["ip", "addr", what, self.node.address + "/32", "dev", "lo"], check=True)

    def __enter__(self):
        target = [self.node.address, str(self.node.or_port)]
        self.start(["far", self.path] + target, privnet.in_lab_namespace)
        self.address("add")
        try:
            self.start(["near", self.path] + target + [str(self.seconds)])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *problem):
        self.address("del")
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()


# -- the two processes ------------------------------------------------------------------------

async def carry(reader, writer, seconds):
    """From one to the other, SECONDS later."""
    under_way = asyncio.Queue()

    async def take():
        while data := await reader.read(65536):
            under_way.put_nowait((time.monotonic() + seconds, data))
        under_way.put_nowait((time.monotonic() + seconds, b""))
    taking = asyncio.ensure_future(take())
    try:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0, due - time.monotonic()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        taking.cancel()
        writer.close()


def join(dial, seconds):
    async def accepted(reader, writer):
        try:
            there = await dial()
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, there[1], seconds), carry(there[0], writer, seconds),
                             return_exceptions=True)
    return accepted


async def serve(side, path, host, port, seconds=0):
    if side == "far":
        server = await asyncio.start_unix_server(
            join(lambda: asyncio.open_connection(host, port), 0), path)
    else:
        server = await asyncio.start_server(
            join(lambda: asyncio.open_unix_connection(path), seconds), host, port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]),
                      *[float(s) for s in sys.argv[5:]]))
