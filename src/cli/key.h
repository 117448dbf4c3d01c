// Keys of protected models: where they come from. A passphrase never comes from the command line, which other users of
// the machine can see.
#ifndef GS_CLI_KEY_H
#define GS_CLI_KEY_H

#include "cli.h"

#define CLI_NO_FD UINT64_MAX

// What the options say; begin with CLI_KEY_NONE.
typedef struct cli_key {
    const char *file;
    uint64_t fd; // of a passphrase; CLI_NO_FD: none
} cli_key;
#define CLI_KEY_NONE ((cli_key){.fd = CLI_NO_FD})

// Rows of a table of options. `prefix`: "" or "new-", `whose`: "the " or "the new ", `variable`: "" or "NEW_".
#define CLI_KEY_OPTIONS(key, prefix, whose, variable)                                                                  \
    {prefix "key-file", "FILE", whose "key is the 32 bytes of this file, which only you can read: see keygen",         \
     .text = &(key)->file},                                                                                            \
    {                                                                                                                  \
        prefix "passphrase-fd", "N",                                                                                   \
            whose "passphrase is a line from this open file; without it and without a key file it is in the file "     \
                  "that GRADSMITH_" variable "PASSPHRASE_FILE names, or is asked for",                                 \
            .integer = &(key)->fd, .maximum = 65535                                                                    \
    }

typedef enum cli_key_kind { CLI_KEY_OF_OLD, CLI_KEY_OF_NEW, CLI_KEY_NEXT } cli_key_kind;

// The key that the options, the environment or the terminal give. OF_OLD: one that exists. OF_NEW: one that nothing has
// been encrypted with: asked for twice. NEXT: the same for rekey, whose variable is GRADSMITH_NEW_PASSPHRASE_FILE.
int cli_key_get(gs_context *context, const char *command, const cli_key *wish, cli_key_kind kind, gs_key **key);

// Before a model is read: where options name a key, or `path` (a file, or a folder with a model.json) is encrypted, the
// context gets the key; with options, plain files are refused. *key is to be destroyed after the context.
int cli_unlock(gs_context *context, const char *command, const cli_key *wish, const char *path, gs_key **key);

// Whether the file, or model.json in the folder, is encrypted.
bool cli_is_encrypted(const char *path);

#endif
