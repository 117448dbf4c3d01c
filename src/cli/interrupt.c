#include "interrupt.h"
#include <signal.h>
#include <stddef.h>

// An int that a signal handler may write: sig_atomic_t is one on every POSIX system, and the compiler checks it.
static volatile sig_atomic_t caught;

static void handle(int number) {
    caught = number;
}

static void set(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;
    sigemptyset(&action.sa_mask);
    // Who started us may want Ctrl-C ignored (nohup, a background job of a script): then it stays so.
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

const volatile int *cli_interrupt_begin(void) {
    caught = 0;
    set(SIGINT, handle, (int)SA_RESETHAND | SA_RESTART);
    set(SIGTERM, handle, (int)SA_RESETHAND | SA_RESTART);
    return &caught;
}

void cli_interrupt_end(void) {
    set(SIGINT, SIG_DFL, 0);
    set(SIGTERM, SIG_DFL, 0);
}
