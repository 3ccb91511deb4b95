#include <stdio.h>

#include "app/testnet/args.h"
#include "faults/faults.h"

const char testnet_help[] =
    "usage: tunic testnet [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
    "\n"
    "Runs a private Tor network and a client of it in this process, on loopback addresses only.\n"
    "With COMMAND: runs it while the network is up, and ends with its exit status.\n"
    "\n"
    "The network\n"
    "  --relays N            relays that are no authority (8)\n"
    "  --exits N             how many of them are exits (three in eight, at least 1)\n"
    "  --authorities N       directory authorities (3)\n"
    "  --phantom N           relays besides that are in the directory only (0)\n"
    "  --spread KIND         of those: alike; light: as different as the public network's, but of\n"
    "                        little weight; live: of as much, and most circuits fail (alike)\n"
    "  --params \"NAME=N...\"  parameters for the consensus\n"
    "  --protocols LIST      \"Link=3-5 Relay=2-6 ...\", said of all relays, whatever they can\n"
    "  --interval SECONDS    a new consensus so often (3600); SIGHUP: one now\n"
    "  --exit-policy POLICY  \"accept *:443,reject *:*\" for the exits (accept *:*)\n"
    "  --host NAME=ADDR[:PORT]  where exits find a name (NAME=none: nowhere); besides,\n"
    "                        *.test is 127.0.0.1\n"
    "  --measurable          its relays let DIR/measure/coord.id measure what they carry\n"
    "  --measure-period SECONDS  twice in so long (86400); 0: as often as it likes\n"
    "  --seed N              the same keys and choices as another run with N\n"
    "  --base-port N         ports from N on (any that are free)\n"
    "\n"
    "Made worse\n"
    "  --rate RATE           of each relay, each way, in bytes a second: 500KB, 2MB, 8mbit\n"
    "  --burst BYTES         that it may carry at once, each way, after a pause: 5MB\n"
    "  --delay MS            each way on each link\n"
    "  --jitter MS           up to so much more\n"
    "  --loss-of-link SECONDS  links are cut at random, after so long on average\n"
    "  --fault NODE:FAULT[=N]  NODE (a nickname, guards, middles, exits, authorities, all) breaks\n"
    "                        the protocol; see --list-faults\n"
    "\n"
    "Its use\n"
    "  --dir DIR             keep client.torrc, nodes.json, fingerprints and keys there\n"
    "  --socks-port PORT     of the client, on 127.0.0.1 (any that is free)\n"
    "  --no-client           the network alone\n"
    "  --timeout SECONDS     for the client to be ready (60)\n"
    "  --log LEVEL           debug, info, notice, warn (default) or err, to standard error\n"
    "  --quiet               without the line that says that all is ready\n"
    "  --list-faults, --help\n"
    "\n"
    "http://hello.test/ and http://hello.test/bytes/N are there to be fetched.\n"
    "COMMAND finds TUNIC_TESTNET_SOCKS (HOST:PORT), TUNIC_TESTNET_DIR, TUNIC_TESTNET_TORRC and\n"
    "ALL_PROXY in its environment.\n"
    "  tunic testnet -- curl http://hello.test/\n";

void testnet_list_faults(void)
{
    for (int i = 0; i < FAULTS; i++)
        printf("%-24s %s\n", fault_name((enum fault)i), fault_text((enum fault)i));
}
