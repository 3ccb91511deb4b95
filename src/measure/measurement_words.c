/* Names of modes and failures, and evidence in words. */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/measurement.h"

static const char *const modes[] = {
#define X(mode, name) [mode] = name,
    MEAS_MODES(X)
#undef X
};

static const char *const codes[] = {
#define X(code, word) [code] = word,
    MEAS_CODES(X)
#undef X
};

enum { N_MODES = sizeof modes / sizeof *modes, N_CODES = sizeof codes / sizeof *codes };

/* N: it is none of them. */
static size_t find(const char *const *names, size_t n, struct text name)
{
    size_t i = 0;
    while (i < n && !text_is(name, names[i]))
        i++;
    return i;
}

const char *meas_mode_name(enum meas_mode mode)
{
    return (size_t)mode < N_MODES ? modes[mode] : "?";
}

bool meas_mode_find(struct text name, enum meas_mode *out)
{
    size_t i = find(modes, N_MODES, name);
    if (i < N_MODES)
        *out = (enum meas_mode)i;
    return i < N_MODES;
}

const char *meas_code_name(enum meas_code code)
{
    return (size_t)code < N_CODES ? codes[code] : "?";
}

enum meas_code meas_code_of_link(const struct link_end *end)
{
    if (end->why == ERR_LINK_IDENTITY)
        return MEAS_WRONG_IDENTITY;
    if (end->during == LINK_CONNECTING)
        return MEAS_UNREACHABLE;
    return end->during == LINK_OPEN ? MEAS_RELAY_LOST : MEAS_HANDSHAKE_FAILED;
}

/* OpenSSL's words for a record that begins with no version of TLS. */
const char *meas_link_hint(const struct link_end *end)
{
    bool no_tls = end->why == ERR_LINK_TLS && strstr(end->text, "wrong version number");
    return no_tls ? ": it does not speak TLS, so it is no relay" : "";
}

bool meas_code_find(struct text name, enum meas_code *out)
{
    size_t i = find(codes, N_CODES, name);
    if (i < N_CODES)
        *out = (enum meas_code)i;
    return i < N_CODES;
}

const char *meas_cheat_text(const struct meas_cheat *c, char out[MEAS_CHEAT_TEXT_MAX])
{
    char expected[2 * MEAS_EVIDENCE_LEN + 1], got[2 * MEAS_EVIDENCE_LEN + 1];
    if (c->kind == CHEAT_MORE)
        snprintf(out, MEAS_CHEAT_TEXT_MAX,
                 "circuit %08x of socket %u: cell %llu came back and had not been sent",
                 (unsigned)c->circuit, c->socket, (unsigned long long)c->cell);
    else
        snprintf(out, MEAS_CHEAT_TEXT_MAX,
                 "circuit %08x of socket %u, cell %llu, byte %u: %s expected, %s came",
                 (unsigned)c->circuit, c->socket, (unsigned long long)c->cell, c->at,
                 hex_lower(c->expected, sizeof c->expected, expected),
                 hex_lower(c->got, sizeof c->got, got));
    return out;
}
