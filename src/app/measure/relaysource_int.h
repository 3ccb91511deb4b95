/* Inside of the relaysource: what both kinds have, and each of them. */
#ifndef TUNIC_APP_MEASURE_RELAYSOURCE_INT_H
#define TUNIC_APP_MEASURE_RELAYSOURCE_INT_H

#include <sys/stat.h>

#include "app/fetch/sources.h"
#include "app/measure/relaysource.h"
#include "measure/listing_read.h"
#include "net/files.h"

enum relaysource_file {
    RELAYSOURCE_CERTS,
    RELAYSOURCE_MICRO,
    RELAYSOURCE_NS,
    RELAYSOURCE_DESCRIPTORS,
    RELAYSOURCE_JOURNAL,
    RELAYSOURCE_FILES
};

/* A version of a file: another one differs in one of these. */
struct relaysource_version {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

struct relayfetch;

struct relaysource {
    struct relaysource_config config;
    struct sources network; /* whose it is */
    struct listing_trust trust;
    struct listing_reader *reader;
    const char *reading; /* what the reader has, for messages */
    struct timer look;
    struct relaysource_version seen[RELAYSOURCE_FILES];
    bool missed;              /* it was said that there is nothing to read */
    bool undescribed;         /* and that there are no descriptors */
    struct relayfetch *fetch; /* NULL: a folder is followed */
};

/* A look at the folder; LOOK_MS later is the next one. */
void relaysource_folder_look(struct relaysource *r);

/* Starts our client. Logged: ERR_IO, ERR_STATE; ERR_NOMEM. */
MUST_USE err_t relayfetch_begin(struct relaysource *r);
void relayfetch_end(struct relaysource *r);
void relayfetch_look(struct relaysource *r);
void relayfetch_taken(struct relaysource *r, struct text descriptor);

#endif
