#include "app/ctl/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

err_t password_given(struct ctl_login *l, char why[CTL_WHY])
{
    const char *value = getenv(CTL_PASSWORD_VARIABLE);
    if (l->has_password || (!l->password_file && !value))
        return OK;
    if (!l->password_file) {
        snprintf(l->password, sizeof l->password, "%s", value);
        l->has_password = true;
        return OK;
    }
    bool in = strcmp(l->password_file, "-") == 0;
    FILE *f = in ? stdin : fopen(l->password_file, "re");
    if (f && fgets(l->password, sizeof l->password, f)) {
        l->password[strcspn(l->password, "\r\n")] = 0;
        l->has_password = true;
    }
    if (!l->has_password)
        (void)ctl_fail(why, ERR_ARG, "cannot read a password from \"%.300s\": %s", l->password_file,
                       f && !ferror(f) ? "it is empty" : strerror(errno));
    if (f && !in)
        fclose(f);
    return l->has_password ? OK : ERR_ARG;
}

/* A line; false if it was broken off. Keys that end a program are bytes here, so that the terminal
 * shows again what is typed, whatever happens. */
static bool read_line(int tty, char *out, size_t cap)
{
    size_t n = 0;
    char key;
    while (read(tty, &key, 1) == 1 && key != CTRL_C && key != CTRL_D) {
        if (key == '\n' || key == '\r') {
            out[n] = 0;
            return n > 0;
        }
        if (key == BACKSPACE || key == DELETE)
            n -= n > 0;
        else if (key == CTRL_U)
            n = 0;
        else if (n + 1 < cap)
            out[n++] = key;
    }
    return false;
}

static int open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

bool password_can_ask(void)
{
    int tty = open_terminal();
    if (tty >= 0)
        close(tty);
    return tty >= 0;
}

err_t password_ask(struct ctl_login *l, char why[CTL_WHY])
{
    static const char prompt[] = "Password of the control port: ";
    struct termios usual, silent;
    int tty = open_terminal();
    if (tty < 0 || tcgetattr(tty, &usual) != 0) {
        if (tty >= 0)
            close(tty);
        return ctl_fail(why, ERR_ARG, "cannot ask for a password: %s", strerror(errno));
    }
    silent = usual;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    (void)tcsetattr(tty, TCSAFLUSH, &silent);
    (void)!write(tty, prompt, sizeof prompt - 1);
    l->has_password = read_line(tty, l->password, sizeof l->password);
    (void)!write(tty, "\n", 1);
    (void)tcsetattr(tty, TCSAFLUSH, &usual);
    close(tty);
    return l->has_password ? OK : ctl_fail(why, ERR_ARG, "no password was given");
}
