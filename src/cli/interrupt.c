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

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}};
enum { SIGNAL_COUNT = sizeof signals / sizeof signals[0] };

const volatile int *cli_interrupt_begin(void) {
    caught = 0;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) set(signals[i].number, handle, (int)SA_RESETHAND | SA_RESTART);
    set(SIGPIPE, SIG_IGN, 0);
    return &caught;
}

void cli_interrupt_end(void) {
    for (size_t i = 0; i < SIGNAL_COUNT; i++) set(signals[i].number, SIG_DFL, 0);
}

const char *cli_interrupt_name(int number) {
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (signals[i].number == number) return signals[i].name;
    }
    return "a signal";
}
