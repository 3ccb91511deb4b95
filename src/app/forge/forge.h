/* `tunic forge`: directory documents made and signed for tests. */
#ifndef TUNIC_APP_FORGE_FORGE_H
#define TUNIC_APP_FORGE_FORGE_H

/* ARGV[0] is "forge"; the exit status: 0, 1 (could not), 2 (wrong usage). */
int forge_main(int argc, char **argv);

#endif
