#include "app/cookiefile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"

err_t cookiefile_read(const char *path, uint8_t out[SAFECOOKIE_LEN])
{
    uint8_t bytes[SAFECOOKIE_LEN + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (n == SAFECOOKIE_LEN)
        memcpy(out, bytes, SAFECOOKIE_LEN);
    secret_wipe(bytes, sizeof bytes);
    errno = error;
    return n < 0 ? ERR_IO : n == SAFECOOKIE_LEN ? OK : ERR_MALFORMED;
}
