// What the program writes to.
#include "cli.h"
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

cli_terminal cli_terminal_of(FILE *file) {
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    cli_terminal terminal = {.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
    terminal.live = isatty(fileno(file)) == 1 && term != NULL && term[0] != 0 && strcmp(term, "dumb") != 0;
    terminal.color = terminal.live && (no_color == NULL || no_color[0] == 0); // as no-color.org has it
    return terminal;
}

unsigned cli_terminal_columns(FILE *file) {
    struct winsize size;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}
