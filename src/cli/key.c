#include "key.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { MOST = 1024 };

// In memory that is not swapped, and wiped at the end.
typedef struct passphrase {
    char text[MOST + 1];
    size_t length;
} passphrase;

static void wipe(passphrase *p) {
    volatile char *at = p->text;
    for (size_t i = 0; i < sizeof p->text; i++) at[i] = 0;
    p->length = 0;
}

// A line, or all there is. One byte at a time: what follows the line is for somebody else.
static int read_line(int fd, const char *name, passphrase *p) {
    for (;;) {
        char c;
        const ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return cli_fail("%s: the passphrase cannot be read: %s", name, strerror(errno));
        if (n == 0 || c == '\n') break;
        if (p->length == MOST) return cli_fail("%s: a passphrase has at most %d bytes", name, (int)MOST);
        p->text[p->length++] = c;
    }
    if (p->length > 0 && p->text[p->length - 1] == '\r') p->length--;
    return p->length > 0 ? CLI_OK : cli_fail("%s: the passphrase is empty", name);
}

static int read_file(const char *path, const char *variable, passphrase *p) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        int code = cli_fail("%s=%s: %s", variable, path, strerror(errno));
        if (fd >= 0) close(fd);
        return code;
    }
    int code = CLI_OK;
    if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        code = cli_fail("%s: others than its owner have a right to this passphrase (mode %04o): chmod 600", path,
                        (unsigned)status.st_mode & 07777);
    if (code == CLI_OK) code = read_line(fd, path, p);
    close(fd);
    return code;
}

// --- the terminal --------------------------------------------------------------------------------------------------
static bool put(int fd, const char *text) {
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

// Without echo, letter by letter: Ctrl-C must not leave the terminal silent.
static int read_terminal(int fd, passphrase *p) {
    for (;;) {
        unsigned char c;
        const ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || c == 3 || (c == 4 && p->length == 0)) return cli_fail("no passphrase was given");
        if (c == '\r' || c == '\n') break;
        if (c == 127 || c == 8) { // backspace: a whole letter of UTF-8
            while (p->length > 0 && ((unsigned char)p->text[--p->length] & 0xC0) == 0x80) continue;
        } else if (c == 21) { // Ctrl-U
            p->length = 0;
        } else if (p->length == MOST) {
            return cli_fail("a passphrase has at most %d bytes", (int)MOST);
        } else {
            p->text[p->length++] = (char)c;
        }
    }
    return p->length > 0 ? CLI_OK : cli_fail("the passphrase is empty");
}

static int ask(int fd, const char *prompt, passphrase *p) {
    struct termios before, silent;
    wipe(p);
    if (tcgetattr(fd, &before) != 0 || !put(fd, prompt)) return cli_fail("the terminal: %s", strerror(errno));
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    if (tcsetattr(fd, TCSAFLUSH, &silent) != 0) return cli_fail("the terminal: %s", strerror(errno));
    int code = read_terminal(fd, p);
    tcsetattr(fd, TCSAFLUSH, &before);
    put(fd, "\n");
    return code;
}

static int ask_terminal(const char *command, cli_key_kind kind, passphrase *p) {
    const char *next = kind == CLI_KEY_NEXT ? "new-" : "", *variable = kind == CLI_KEY_NEXT ? "NEW_" : "";
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cli_fail("%s: a key is needed and there is no terminal to ask at: give --%skey-file, --%spassphrase-fd "
                        "or GRADSMITH_%sPASSPHRASE_FILE",
                        command, next, next, variable);
    int code = ask(fd, kind == CLI_KEY_OF_OLD ? "Passphrase: " : "New passphrase: ", p);
    if (code == CLI_OK && kind != CLI_KEY_OF_OLD) {
        passphrase again;
        mlock(&again, sizeof again);
        code = ask(fd, "The same again: ", &again);
        if (code == CLI_OK && (again.length != p->length || memcmp(again.text, p->text, p->length) != 0))
            code = cli_fail("the two passphrases differ");
        wipe(&again);
        munlock(&again, sizeof again);
    }
    close(fd);
    return code;
}

// --- keys ----------------------------------------------------------------------------------------------------------
static int get_passphrase(const char *command, const cli_key *wish, cli_key_kind kind, passphrase *p) {
    const char *variable = kind == CLI_KEY_NEXT ? "GRADSMITH_NEW_PASSPHRASE_FILE" : "GRADSMITH_PASSPHRASE_FILE";
    const char *path = getenv(variable);
    if (wish->fd != CLI_NO_FD) return read_line((int)wish->fd, "--passphrase-fd", p);
    if (path != NULL && path[0] != 0) return read_file(path, variable, p);
    return ask_terminal(command, kind, p);
}

int cli_key_get(gs_context *context, const char *command, const cli_key *wish, cli_key_kind kind, gs_key **key) {
    *key = NULL;
    if (wish->file != NULL && wish->fd != CLI_NO_FD)
        return cli_misuse(command, "a key is either a file or a passphrase: leave out one of the two");
    if (gs_protect_version() == NULL) // asks for no secret that is of no use
        return cli_fail("protected models need libsodium: this gradsmith was built without it (libsodium-dev)");
    if (wish->file != NULL) {
        if (gs_key_create(context, &(gs_key_params){.key_file = wish->file}, key) == GS_OK) return CLI_OK;
        return cli_fail_context(context, wish->file);
    }
    passphrase p = {.length = 0};
    mlock(&p, sizeof p); // where the limit of locked memory allows
    int code = get_passphrase(command, wish, kind, &p);
    if (code == CLI_OK &&
        gs_key_create(context, &(gs_key_params){.passphrase = p.text, .passphrase_bytes = p.length}, key) != GS_OK)
        code = cli_fail_context(context, NULL);
    wipe(&p);
    munlock(&p, sizeof p);
    return code;
}

bool cli_is_encrypted(const char *path) {
    struct stat status;
    if (path == NULL || stat(path, &status) != 0) return false;
    if (!S_ISDIR(status.st_mode)) return gs_file_is_encrypted(path);
    char *inside = cli_join(path, "model.json");
    bool encrypted = inside != NULL && gs_file_is_encrypted(inside);
    free(inside);
    return encrypted;
}

int cli_unlock(gs_context *context, const char *command, const cli_key *wish, const char *path, gs_key **key) {
    const bool named = wish->file != NULL || wish->fd != CLI_NO_FD;
    *key = NULL;
    if (!named && !cli_is_encrypted(path)) return CLI_OK;
    int code = cli_key_get(context, command, wish, CLI_KEY_OF_OLD, key);
    // Where it is known that the model is protected, a plain file is not its own.
    if (code == CLI_OK && gs_context_set_key(context, *key, GS_KEY_REQUIRE) != GS_OK)
        code = cli_fail_context(context, NULL);
    return code;
}
