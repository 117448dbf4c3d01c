// SIGINT and SIGTERM while training: the first asks to stop, the second ends the program at once.
#ifndef GS_CLI_INTERRUPT_H
#define GS_CLI_INTERRUPT_H

// What gs_fit_params.stop takes: nonzero after a signal, then its number.
const volatile int *cli_interrupt_begin(void);
void cli_interrupt_end(void);

#endif
