// Signals while training. The first SIGINT, SIGTERM or SIGHUP asks to stop, the second ends the program at once. Who
// reads our output may leave (SIGPIPE): the training goes on, and main says at the end that it could not print.
#ifndef GS_CLI_INTERRUPT_H
#define GS_CLI_INTERRUPT_H

// What gs_fit_params.stop takes: nonzero after a signal, then its number.
const volatile int *cli_interrupt_begin(void);
void cli_interrupt_end(void);
const char *cli_interrupt_name(int number);

#endif
