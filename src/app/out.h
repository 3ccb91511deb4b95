/* Where a command writes what it was asked for: standard output, a file, or a folder with a file a
 * document. A file is written under another name in the same folder, synced and renamed: under its
 * own name it is whole or not there. */
#ifndef TUNIC_APP_OUT_H
#define TUNIC_APP_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

enum { OUT_PATH_MAX = 4096, OUT_WHY = 512 };

struct out {
    bool to_folder;
    bool in_place; /* standard output, a device, a pipe: nothing is to be removed */
    /* Standard output is a terminal, which obeys control sequences: documents hold what strangers
     * wrote, so all but printable ASCII is shown as \xNN. */
    bool to_terminal;
    char path[OUT_PATH_MAX];      /* "": standard output */
    char temporary[OUT_PATH_MAX]; /* what is to be renamed; "": it is written in place */
    int fd;                       /* -1: none is open */
    char why[OUT_WHY];            /* after an error: what, where, and what to do */
};

/* OUTPUT: a file, a folder (it is one, or the name ends in "/": then it is made), NULL for standard
 * output. ERR_IO, ERR_ARG (too long a name). Nothing is written before there is something. */
MUST_USE err_t out_open(struct out *o, const char *output);

/* Writes to standard output or to the file. */
MUST_USE err_t out_write(struct out *o, const void *bytes, size_t len);
/* Writes HEAD, then TEXT, to a file NAME of the folder. */
MUST_USE err_t out_file(struct out *o, const char *name, struct text head, struct text text);
/* All is written: the file gets its name. */
MUST_USE err_t out_finish(struct out *o);
/* Leaves nothing half-written behind; also after out_finish(). */
void out_close(struct out *o);

#endif
